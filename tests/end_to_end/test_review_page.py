"""The report as a reviewer uses it: in a browser, from disk, by keyboard."""

from dataclasses import replace

import pytest
import served
from tiny_page import CLASSES, a_feature_note, a_measurement, a_page, a_picture, a_summary, a_suspect, a_text_page

from labelscan.correction.decisions import Decision, read_decisions, write_decisions
from labelscan.reporting.formats.html import render_html
from labelscan.reporting.page import TypicalExample

SCRIPT = "<script>alert(1)</script>"
LONG = "a class with a name that goes on and on " * 8
RIGHT_TO_LEFT = "כלב גדול"
ODD = (SCRIPT, LONG, RIGHT_TO_LEFT, "=cmd()", 'with, "quotes" and\r\nlines', "__proto__", "constructor")
NAMES = (*CLASSES, *ODD)


def an_odd_page(**changes):
    suspects = [a_suspect(rank) for rank in range(1, 6)]
    suspects += [
        a_suspect(6 + place, given_label=name, example_id=f"{name}/{place}", path=f"{name}/{place}.png")
        for place, name in enumerate(ODD)
    ]
    typical = {name: (TypicalExample(example_id="t", picture=a_picture(200)),) for name in NAMES}
    content = {
        "suspects": tuple(suspects),
        "n_flagged": len(suspects),
        "class_names": NAMES,
        "typical": typical,
        "summary": a_summary(NAMES),
    }
    return a_page(**(content | changes))


def saved(tab, path):
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save decisions.csv").click()
    assert download.value.suggested_filename == "decisions.csv"
    download.value.save_as(path)
    return {one.example_id: one for one in read_decisions(path)}


def test_five_labels_are_reviewed_by_keyboard_kept_and_saved(visit, tmp_path):
    tab = visit(an_odd_page())
    tab.get_by_role("link", name="Review all").click()
    tab.keyboard.type("gso")  # given, suggested, and another: of a name with
    tab.keyboard.type("scr")
    tab.keyboard.press("Enter")
    tab.keyboard.type("du")
    assert tab.get_by_label("5 of 12 reviewed").count() == 1
    tab.keyboard.press("z")
    assert tab.get_by_label("4 of 12 reviewed").count() == 1
    tab.keyboard.press("5")
    tab.reload()
    assert tab.get_by_label("5 of 12 reviewed").count() == 1
    decisions = saved(tab, tmp_path / "decisions.csv")
    assert {name: (one.verdict, one.new_label) for name, one in decisions.items()} == {
        "01.png": ("keep", ""),
        "02.png": ("relabel", "cat"),
        "03.png": ("relabel", SCRIPT),
        "04.png": ("drop", ""),
        "05.png": ("unsure", ""),
    }
    assert decisions["01.png"].given_label == "dog"
    assert decisions["01.png"].time.endswith("Z")


def test_odd_names_go_into_the_file_and_come_back(visit, tmp_path):
    tab = visit(an_odd_page())
    tab.locator("[data-do=given]").evaluate_all("buttons => buttons.forEach(button => button.click())")
    decisions = saved(tab, tmp_path / "decisions.csv")
    assert [one.given_label for one in decisions.values()][5:] == list(ODD)
    raw = (tmp_path / "decisions.csv").read_bytes()
    write_decisions(decisions.values(), tmp_path / "again.csv")
    assert raw == (tmp_path / "again.csv").read_bytes()
    other = visit(an_odd_page(), name="other.html")
    other.set_input_files("#import", tmp_path / "decisions.csv")
    other.get_by_text("Loaded 12 decisions from decisions.csv.").wait_for()
    assert other.get_by_label("12 of 12 reviewed").count() == 1


def test_loading_a_file_merges_its_decisions_and_can_be_undone(visit, tmp_path):
    rows = [
        Decision(example_id="01.png", verdict="drop"),
        Decision(example_id="02.png", verdict="keep", given_label="horse"),
        Decision(example_id="03.png", verdict="drop", time="2026-01-02T03:04:05Z"),
        Decision(example_id="horse.png", verdict="keep", given_label="pony"),
    ]
    write_decisions(rows, tmp_path / "mine.csv")
    tab = visit(an_odd_page())
    tab.locator(".card").nth(2).locator("[data-do=given]").click()
    tab.set_input_files("#import", tmp_path / "mine.csv")
    tab.get_by_text("Loaded 2 decisions from mine.csv.").wait_for()
    assert tab.get_by_text("Kept, though not on this page: 1.").count() == 1
    assert tab.get_by_text("Skipped for later decisions made here: 1.").count() == 1
    assert tab.get_by_text("Left out: 02.png was horse then and is fox now.").count() == 1
    decisions = saved(tab, tmp_path / "decisions.csv")
    assert {name: one.verdict for name, one in decisions.items()} == {
        "01.png": "drop",
        "03.png": "keep",
        "horse.png": "keep",
    }
    tab.get_by_role("button", name="Undo").click()
    assert list(saved(tab, tmp_path / "undone.csv")) == ["03.png"]
    tab.set_input_files("#import", tmp_path / "decisions.csv")
    tab.get_by_text("Loaded 3 decisions from decisions.csv.").wait_for()
    saved(tab, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "decisions.csv").read_bytes()


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_file_that_a_spreadsheet_saved_half_way_through_a_review_is_loaded(visit, tmp_path, separator):
    rows = ["Example_ID;Decision ;New_Label", "01.png;keep;", "02.png;;", ";;", '"03.png";drop;']
    (tmp_path / "half.csv").write_text("\r\n".join(rows).replace(";", separator), encoding="utf-8-sig")
    tab = visit(an_odd_page())
    tab.set_input_files("#import", tmp_path / "half.csv")
    tab.get_by_text("Loaded 2 decisions from half.csv.").wait_for()
    assert tab.get_by_text("Left out").count() == 0
    assert {one.verdict for one in saved(tab, tmp_path / "decisions.csv").values()} == {"keep", "drop"}


def test_undo_leaves_alone_what_another_tab_has_decided_since(visit, tmp_path):
    tab = visit(an_odd_page())
    other = tab.context.new_page()
    other.goto(tab.url)
    tab.locator("[data-do=given]").first.click()
    other.get_by_label("1 of 12 reviewed").wait_for()
    other.locator("[data-do=drop]").first.click()
    tab.locator(".card[data-state=drop]").wait_for()
    assert tab.get_by_role("button", name="Undo").is_disabled()
    tab.keyboard.press("z")
    assert {one.verdict for one in saved(tab, tmp_path / "decisions.csv").values()} == {"drop"}


def test_the_keys_work_after_every_step_of_the_review(visit, tmp_path):
    tab = visit(an_odd_page())
    tab.get_by_role("link", name="Review all").click()
    tab.keyboard.press("g")
    saved(tab, tmp_path / "decisions.csv")
    assert tab.locator(".card:focus").count() == 1
    tab.get_by_role("button", name="Keys").click()
    tab.get_by_role("button", name="Close").click()
    tab.keyboard.press("g")
    tab.get_by_text("Filter and sort").click()
    tab.get_by_role("combobox", name="Decision").select_option("not reviewed")
    assert tab.get_by_role("article").count() == 10
    tab.get_by_role("button", name="Undo").click()
    assert tab.locator(".card[aria-current] code").inner_text() == "02.png"
    assert tab.get_by_label("1 of 12 reviewed").count() == 1
    tab.get_by_label("Order").select_option("in groups of confused pairs")
    assert tab.get_by_role("heading", level=4).count() == 12
    tab.get_by_role("button", name="Clear").click()
    tab.keyboard.press("o")
    tab.keyboard.type("wolf")
    assert tab.get_by_role("status").filter(has_text="No class has that in its name.").is_visible()
    tab.keyboard.press("Escape")
    tab.keyboard.press("?")
    tab.get_by_label("Keys are on").uncheck()
    tab.reload()
    tab.get_by_role("link", name="Continue").click()
    tab.keyboard.press("g")
    assert tab.get_by_label("1 of 12 reviewed").count() == 1


def test_a_key_never_decides_about_a_label_that_was_scrolled_away(visit):
    tab = visit(an_odd_page())
    tab.get_by_role("navigation").get_by_role("link", name="Review").click()
    tab.keyboard.press("g")
    assert tab.get_by_label("1 of 12 reviewed").count() == 1
    tab.evaluate("scrollTo({ top: document.body.scrollHeight, behavior: 'instant' })")
    tab.keyboard.press("g")
    assert tab.get_by_label("1 of 12 reviewed").count() == 1
    assert tab.get_by_role("status").filter(has_text="is marked now").count() == 1
    marked = tab.locator(".card[aria-current] code").inner_text()
    tab.keyboard.press("g")
    assert tab.locator(".card[data-state=keep] code").all_text_contents() == ["01.png", marked]


def test_a_review_continues_where_it_was_left_and_changes_nothing_before(visit, tmp_path):
    done = [Decision(example_id=f"{rank:02}.png", verdict="drop", given_label=None) for rank in range(1, 6)]
    write_decisions(done, tmp_path / "before.csv")
    tab = visit(an_odd_page())
    tab.locator("input[type=file]").set_input_files(tmp_path / "before.csv")
    tab.get_by_label("5 of 12 reviewed").wait_for()
    tab.keyboard.press("g")
    assert tab.get_by_label("6 of 12 reviewed").count() == 1
    tab.reload()
    tab.get_by_role("link", name="Continue: 6 left").click()
    tab.keyboard.press("g")
    assert tab.get_by_label("7 of 12 reviewed").count() == 1
    assert tab.locator(".card[data-state=drop]").count() == 5


def test_the_bar_hides_nothing_that_is_in_focus_on_a_small_screen(visit):
    tab = visit(an_odd_page(), viewport={"width": 375, "height": 667}, reduced_motion="reduce")
    for width, height in ((320, 568), (375, 667), (640, 400)):
        tab.set_viewport_size({"width": width, "height": height})
        root = tab.locator("html")
        assert root.evaluate("root => root.scrollWidth - root.clientWidth") == 0
        tab.locator(".card").nth(4).locator("[data-do=unsure]").focus()
        for _ in range(12):
            tab.keyboard.press("Shift+Tab")
            top = tab.evaluate("document.activeElement.getBoundingClientRect().top")
            assert top >= tab.evaluate("document.querySelector('.reviewbar').getBoundingClientRect().bottom")
            assert tab.evaluate("document.activeElement.closest('.card') !== null")


def test_nothing_is_shown_by_colour_alone_where_colours_are_forced(visit):
    tab = visit(an_odd_page(), forced_colors="active")
    tab.get_by_role("link", name="Review all").click()
    tab.keyboard.type("gk")

    def look(selector, name):
        return tab.locator(selector).first.evaluate("(node, name) => getComputedStyle(node)[name]", name)

    assert look(".card[aria-current]", "outlineStyle") == "solid"
    assert look(".card:not([aria-current])", "outlineStyle") == "none"
    button = ".card[aria-current] .actions button"
    pressed, other = f"{button}[aria-pressed=true]", f"{button}[aria-pressed=false]"
    assert look(pressed, "backgroundColor") != look(other, "backgroundColor")
    assert look(".heat td.right", "backgroundColor") != look(".heat td.heat-8", "backgroundColor")
    bar = tab.locator(".bar").first.evaluate(
        "bar => [getComputedStyle(bar), getComputedStyle(bar, '::before')].map(one => one.backgroundColor)"
    )
    assert bar[0] != bar[1]


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_the_page_is_accessible_and_fits_the_screen(visit, theme, width, violations):
    tab = visit(an_odd_page(), viewport={"width": width, "height": 844}, color_scheme=theme)
    tab.get_by_role("link", name="Review all").click()
    tab.keyboard.press("g")
    if width == 390:
        tab.keyboard.press("o")  # opens a dialog, behind which nothing is looked at
    assert violations(tab) == []
    tab.keyboard.press("Escape")
    root = tab.locator("html")
    assert root.evaluate("root => root.scrollWidth - root.clientWidth") == 0


def test_light_and_dark_are_as_the_system_has_them_until_the_user_chooses(visit):
    tab = visit(a_page(), color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = tab.evaluate(paper)
    tab.get_by_role("button", name="Switch between light and dark").click()
    light = tab.evaluate(paper)
    assert light != dark
    tab.reload()
    assert tab.evaluate(paper) == light
    tab.emulate_media(color_scheme="light")
    tab.get_by_role("button", name="Switch between light and dark").click()
    assert tab.evaluate(paper) == dark


def test_a_pair_that_is_clicked_is_all_that_is_shown(visit):
    tab = visit(a_page())
    assert tab.get_by_role("article").count() == 8
    tab.locator(".pairs button").first.click()
    cards = tab.get_by_role("article")
    assert cards.count() == 2
    assert {card.locator(".class.given .name").inner_text() for card in cards.all()} == {"cat"}


def test_a_page_without_storage_says_that_decisions_are_lost_with_the_tab(visit):
    tab = visit(a_page())
    tab.context.add_init_script("Storage.prototype.setItem = () => { throw new Error('not here') }")
    tab.reload()
    assert tab.get_by_text("Kept until this tab closes").count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"suspects": (), "n_flagged": 0},
        {"kind": "probabilities", "suspects": (a_suspect(picture=None, error_probability=None),), "typical": {}},
        {"summary": a_summary(tuple(map(str, range(1000)))), "class_names": tuple(map(str, range(1000)))},
    ],
)
def test_a_page_may_have_little_or_much_to_show(visit, changes):
    assert visit(a_page(**changes)).get_by_role("heading", level=1).count() == 1


def serving(page, path):
    given_labels = {one.example_id: one.given_label for one in page.suspects}
    return served.serving(lambda save_to: render_html(replace(page, save_to=save_to)), path, given_labels)


def press_and_see_it_saved(tab, key):
    with tab.expect_response(lambda answer: answer.request.method == "PUT" and answer.status == 204):
        tab.keyboard.press(key)


def dropped_later(name):
    return Decision(example_id=name, verdict="drop", time="2100-01-02T03:04:05Z")


def verdicts(path):
    return {one.example_id: one.verdict for one in read_decisions(path)}


def test_a_served_page_saves_as_it_goes_and_shows_what_others_changed(browser, tmp_path):
    path = tmp_path / "decisions.csv"
    with serving(a_page(), path) as server:
        tab = browser.new_page()
        tab.goto(server.url)
        tab.get_by_role("link", name="Review all").click()
        press_and_see_it_saved(tab, "g")
        assert verdicts(path) == {"01.png": "keep"}
        write_decisions([dropped_later("01.png"), dropped_later("08.png")], path)
        press_and_see_it_saved(tab, "u")
        assert tab.get_by_label("3 of 8 reviewed").count() == 1
        press_and_see_it_saved(tab, "z")
        assert tab.get_by_label("2 of 8 reviewed").count() == 1
        tab.get_by_text("Saved in decisions.csv").wait_for()
        tab.keyboard.press("z")  # the decision that it would undo is gone
        write_decisions([*read_decisions(path), dropped_later("03.png")], path)
        tab.keyboard.press("j")
        tab.keyboard.press("g")
        tab.locator(".card[data-state=drop]").nth(2).wait_for()
        write_decisions([Decision(example_id=name, verdict="keep") for name in ("02.png", "horse.png")], tmp_path / "a")
        tab.set_input_files("#import", tmp_path / "a")
        tab.get_by_text("Left out, as this run has no such labels: 1.").wait_for()
        tab.get_by_text("Saved in decisions.csv").wait_for()
        tab.close()
    assert verdicts(path) == {"01.png": "drop", "02.png": "keep", "03.png": "drop", "08.png": "drop"}


def test_what_one_server_did_not_save_is_saved_by_the_next(browser, tmp_path):
    path = tmp_path / "decisions.csv"
    context = browser.new_context()
    tab = context.new_page()
    with serving(a_page(), path) as server:
        tab.goto(server.url)
        tab.get_by_role("link", name="Review all").click()
        press_and_see_it_saved(tab, "g")
        tab.route("**/decisions", lambda route: route.abort())
        tab.keyboard.press("d")
        tab.get_by_text("labelscan does not answer").wait_for()
        tab.unroute("**/decisions")
        server.token = "another"  # as if stopped and started again
        server.page = render_html(a_page(save_to="/another/decisions")).encode()
        tab.keyboard.press("u")
        tab.get_by_text("labelscan was restarted. Open the page that it named").wait_for()
        assert verdicts(path) == {"01.png": "keep"}
        new = context.new_page()
        with new.expect_response(lambda answer: answer.request.method == "PUT"):
            new.goto(server.url)
        new.get_by_text("Saved in decisions.csv").wait_for()
        assert new.get_by_label("3 of 8 reviewed").count() == 1
        assert verdicts(path) == {"01.png": "keep", "02.png": "drop", "03.png": "unsure"}
        assert new.evaluate("Object.keys(localStorage).filter(key => key.includes('unsaved'))") == []
        context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_texts_are_read_unfolded_and_searched(visit, width, violations):
    tab = visit(a_text_page(), viewport={"width": width, "height": 844})
    first, second, third = tab.locator(".card").all()
    assert first.locator("mark.given").text_content() == "lovely"
    assert first.locator("mark.suggested").text_content() == "<dull>"
    assert first.get_by_text("a text on a dog").count() == 1
    assert first.get_by_role("button", name="Show all").count() == 0
    folded = second.locator(".text p").first
    low = folded.bounding_box()["height"]
    assert folded.evaluate("one => getComputedStyle(one).direction") == "rtl"
    second.get_by_role("button", name="Show all").click()
    assert folded.bounding_box()["height"] > 2 * low
    second.get_by_role("button", name="Show less").click()
    assert folded.bounding_box()["height"] == low
    assert third.get_by_text("… and 995,000 characters more, too many for this page").count() == 1
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    tab.get_by_text("Filter and sort").click()
    tab.get_by_role("searchbox", name="Find").fill("LOVELY but")
    assert tab.locator(".card").count() == 1
    assert violations(tab) == []


def test_no_word_is_marked_in_a_measurement(visit):
    page = a_text_page()
    tab = visit(a_text_page(measurement=a_measurement(page.suspects, n_to_decide=3)))
    assert tab.locator(".card mark").count() == 2
    assert tab.locator("#marks-hint").is_visible()
    tab.get_by_role("button", name="Measurement", exact=True).click()
    assert tab.locator(".card").count() == 3
    assert tab.locator(".card mark").count() == 0
    assert not tab.locator("#marks-hint").is_visible()


def test_a_row_shows_all_its_columns_when_asked(visit, violations):
    note = replace(a_feature_note(), name="city", value="Kano", usual="1 % have it", usual_of_suggested="96 % have it")
    row = tuple((f"column {number} {'with a long name ' * 5}", "a value " * number) for number in range(40))
    suspect = a_suspect(picture=None, path="", features=(a_feature_note(), note), row=row, n_more_columns=3)
    tab = visit(a_page(kind="features", suspects=(suspect,), typical={}), viewport={"width": 390, "height": 844})
    assert tab.locator(".features td", has_text="96 % have it").count() == 1
    assert not tab.get_by_text("and 3 columns more").is_visible()
    tab.get_by_text("All 43 columns").click()
    assert tab.get_by_text("and 3 columns more").is_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    assert violations(tab) == []
