"""A run in a bucket, from which something is deleted while it is fetched."""

from finished import a_record

from labelscan.files import storage
from labelscan.runs.bucket import Bucket


def test_what_is_deleted_in_the_bucket_while_the_run_is_fetched_is_uploaded_again_where_it_is_here(
    bucket, tmp_path, monkeypatch
):
    here, listed = tmp_path / "run", storage.files_below
    a_record().write(here)
    (here / "fold-0-0").mkdir()
    for name in ("log.jsonl", "output.npz", "DONE"):
        (here / "fold-0-0" / name).write_text(name)
    Bucket("memory://b/run", here).upload()
    (here / "fold-0-0" / "log.jsonl").unlink()

    def files_below(url):
        found = listed(url)
        bucket.rm(["/b/run/fold-0-0/log.jsonl", "/b/run/fold-0-0/output.npz"])
        return found

    monkeypatch.setattr(storage, "files_below", files_below)
    kept = Bucket("memory://b/run", here)
    kept.download()
    assert sorted(path.name for path in here.glob("fold-0-0/*")) == ["DONE", "output.npz"]
    kept.upload()
    assert sorted(listed("memory://b/run")) == ["fold-0-0/DONE", "fold-0-0/output.npz", "run.json"]
