"""Labelling on view.py's page in a real Chromium: proposals, fields, the list, and what to label next."""

from __future__ import annotations

import pytest
from browsed import Page, wait
from viewed import FPS, GUESSES, make_viewed, write_frames

from util.io import read_json, write_json


@pytest.fixture
def viewed(tmp_path):
    """A dataset with splits, and two new videos with proposals: those of GUESSES in new/x_1, one in new/y_1."""
    viewed = make_viewed(tmp_path)
    for video in ("new/x_1", "new/y_1"):
        write_frames(viewed.frames / video)
    found = [{"frame": frame, "label": label, "score": score} for frame, (label, score) in sorted(GUESSES.items())]
    write_json(tmp_path / "found.json", [{"video": "new/x_1", "fps": FPS, "events": found},
                                         {"video": "new/y_1", "fps": FPS, "events": found[:1]}])
    return viewed


@pytest.fixture
def page(driver, serve, viewed, tmp_path):
    return Page(driver, serve(tmp_path / "found.json", viewed.frames, "--label", viewed.dataset, "--labels",
                              viewed.labels)).video("new%2Fx_1")


def events(viewed, video: str = "new/x_1") -> list[tuple]:
    return [(e["frame"], e["label"]) for e in read_json(viewed.labels / f"{video}.json")["events"]]


def test_proposals_come_up_one_after_the_other_and_what_is_rejected_stays_away(page, viewed):
    page.press("n", "Enter").saved()
    assert page.counted() == 20  # the next came up
    page.press("x").saved()
    assert page.counted() == 40
    page.press("ArrowRight", "m").saved()  # accepted a frame later
    assert page.counted() == 46
    assert page.listed() == [("PASS", 9, "found"), ("DRIVE", 41, "found −1"), ("PASS", 46, "proposed")]
    page.press("x").saved().until("return told.at(-1) === 'no prediction is left in this video'")
    written = read_json(viewed.labels / "new" / "x_1.json")
    assert [(e["frame"], e["label"]) for e in written["events"]] == [(9, "PASS"), (41, "DRIVE")]
    assert written["rejected"] == [{"frame": 20, "label": "DRIVE"}, {"frame": 46, "label": "PASS"}]

    page.video("new%2Fx_1")
    assert [line[:2] for line in page.listed()] == [("PASS", 9), ("DRIVE", 41)]
    page.run("[...document.querySelectorAll('.filters button')].find((b) => b.textContent === 'Rejected 2').click()")
    names = page.run("return [...document.querySelectorAll('.filters button')].map((b) => b.textContent)")
    assert names == ["Not rejected 2", "Open 0", "Rejected 2"]
    assert page.listed() == [("DRIVE", 20, "rejected"), ("PASS", 46, "rejected")]
    page.press("n", "x").saved()  # taken back
    assert read_json(viewed.labels / "new" / "x_1.json")["rejected"] == [{"frame": 46, "label": "PASS"}]
    page.press("z", ctrl=True).saved()
    assert len(read_json(viewed.labels / "new" / "x_1.json")["rejected"]) == 2
    assert page.run("return app.pace.labels") == 4


def test_team_and_other_fields_are_given_and_searched_for(page, viewed):
    path = viewed.labels / "new" / "x_1.json"
    write_json(path, {"events": [{"frame": 5, "label": "PASS", "id": 12345678901234567890}]})
    page.until("return app.page.labels.events.length === 1")
    page.run("app.page.player.seek(5)")
    page.press("s").until("return document.activeElement.dataset.field === 'team'")  # other matches have names

    def type_in(field: str, text: str) -> None:
        page.run("""const input = document.querySelector(`[data-field="${arguments[0]}"]`);
            input.focus(); input.value = arguments[1]; input.dispatchEvent(new Event("change"))""", field, text)

    type_in("team", "ARG")
    type_in("player", "Zoë 7")
    assert page.run("return document.activeElement.dataset.field") == "player"
    page.run("document.activeElement.blur()")
    page.press("ArrowRight", "2").saved().press("s").saved()
    assert read_json(path)["events"] == [
        {"frame": 5, "label": "PASS", "id": 12345678901234567890, "team": "ARG", "player": "Zoë 7"},
        {"frame": 6, "label": "PASS", "team": "ARG"}]
    page.press("s").saved()
    assert read_json(path)["events"][1] == {"frame": 6, "label": "PASS"}

    def search(words: str) -> list[int]:
        page.run("const s = app.page.list.search; s.value = arguments[0]; s.dispatchEvent(new Event('input'))", words)
        return [frame for _, frame, _ in page.listed()]

    assert search("zoë arg") == [5]
    assert search("proposed drive") == [20, 40]
    assert search("40") == [40]
    assert search("shot") == []


def test_sides_are_the_teams_where_no_label_has_names(driver, serve, tmp_path):
    write_frames(tmp_path / "Frames" / "a_1", 10)
    address = serve(tmp_path / "Frames", "--label", tmp_path / "new", "--classes", "PASS", "--labels", tmp_path)
    page = Page(driver, address).video("a_1")
    page.press("1")
    for team in ("left", "right", None):
        page.press("s").saved()
        assert read_json(tmp_path / "a_1.json")["events"][0].get("team") == team


def test_stretches_are_shown_by_what_they_would_teach_and_marked_as_labelled(page, viewed):
    page.press("u").until("return app.page.video.name === 'new/x_1' && app.page.scene.stretch")
    assert page.run("return app.page.scene.stretch") == [0, 59]
    page.press("b").saved()
    page.until("return app.page.video.name === 'new/y_1' && app.page.scene.stretch")
    assert read_json(viewed.labels / "new" / "x_1.json") == {"video": "new/x_1", "labelled": [[0, 59]], "events": []}
    page.until("return app.page.labels.revision !== null").press("Escape").press("2").saved()
    page.press("i", *["ArrowRight"] * 4).press("i", shift=True).press("b")
    page.until("return document.querySelector('#ask[open]')")  # the whole counted so far
    page.run("document.querySelector('#ask .primary').click()")
    page.until("return app.page.labels.labelled.length").saved()
    written = read_json(viewed.labels / "new" / "y_1.json")
    assert (written["labelled"], written["events"]) == ([[0, 4]], [{"frame": 0, "label": "PASS"}])
    page.press("b", shift=True).saved()
    assert "labelled" not in read_json(viewed.labels / "new" / "y_1.json")


def test_labels_are_saved_by_the_browser_as_a_file(page, viewed, tmp_path):
    page.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.video("cup%2Fa_1")

    def click(where: str, text: str) -> None:
        page.run("""[...document.querySelectorAll(`${arguments[0]} button`)]
            .find((node) => node.textContent === arguments[1]).click()""", where, text)

    click("#bar", "Export")
    click("#ask", "This video")
    wait((tmp_path / "a_1.csv").exists, "the file")
    assert (tmp_path / "a_1.csv").read_text().splitlines()[:2] == [
        "frame,time,seconds,label,team", "8,0:00:00.320,0.320,PASS,BRA"]
    click("#ask", "Close")
    click("#bar", "Train")
    page.until("return document.querySelector('#ask pre')?.textContent.includes('prepare_data.py')")
    bad = "return [...document.querySelectorAll('#ask .bad')].map((line) => line.textContent).join(' ')"
    assert "without train train_e2e.py stops" in page.run(bad) and "stand in the splits alone" in page.run(bad)
    click("#ask", "Write these files")
    page.until("return document.querySelector('#ask pre') && !" + bad.removeprefix("return ") + ".includes('stand in')")
    assert events(viewed, "cup/a_2")[0] == (8, "PASS")
