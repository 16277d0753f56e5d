"""Paths of a manifest as they start from another folder."""

from pathlib import Path

from labelscan.correction.label_lists.rows import move_paths


def test_paths_are_rewritten_to_start_from_the_new_folder(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link.png").symlink_to("elsewhere.png")  # it stays one
    moves = {
        "a.png": "../../data/a.png",
        "sub/./b.png": "../../data/sub/b.png",
        "../c.png": "../../c.png",
        "link.png": "../../data/link.png",
        str(tmp_path / "a.png"): "",
        "": "",
    }
    assert move_paths(list(moves), tmp_path / "data", tmp_path / "runs" / "run") == list(moves.values())


def test_dots_lead_out_of_where_a_link_points_to(tmp_path):
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "far" / "a.png").write_bytes(b"here")
    (tmp_path / "data" / "link").symlink_to(tmp_path / "far" / "away")
    (tmp_path / "deep" / "run").mkdir(parents=True)
    (tmp_path / "run").symlink_to(tmp_path / "deep" / "run")
    (moved,) = move_paths(["link/../a.png"], tmp_path / "data", tmp_path / "run")
    assert (tmp_path / "run" / moved).read_bytes() == b"here"


def test_what_lies_in_another_tree_is_named_from_the_root_of_the_disk(tmp_path):
    elsewhere = Path(tmp_path.anchor) / "elsewhere"
    assert move_paths(["a.png"], elsewhere, tmp_path / "run") == [(elsewhere / "a.png").as_posix()]
