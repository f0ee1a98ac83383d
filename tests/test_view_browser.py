"""view.py's page in a real Chromium: what a person sees and presses, and what comes of it on disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from browsed import Page, wait
from conftest import run_here, run_script, write_labels, write_video
from viewed import CLASSES, EVENTS, make_viewed

import eval as eval_script
from util.io import read_json, write_json


def test_the_overview_shows_the_numbers_of_eval_and_leads_to_the_events_behind_them(driver, serve, tmp_path):
    viewed = make_viewed(tmp_path)
    run_here(eval_script, "-s", "test", viewed.model, "--json", tmp_path / "r.json")
    results = read_json(tmp_path / "r.json")
    page = Page(driver, serve(*viewed.arguments())).open().until("return document.querySelector('.card')")

    def cells(table: int) -> list[list[str]]:
        return page.run("""const table = document.querySelectorAll(".card table")[arguments[0]];
            return [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent))""", table)

    def percent(share: float) -> str:
        return f"{100 * share:.1f}"

    for name, *shown, _ in cells(0):
        assert shown == [percent(results["nms"][tolerance][name]) for tolerance in ("0", "1", "2", "4")]
    for name, *shown in cells(1):
        row = results["f1"]["2"][name]
        rates = [percent(row[key]) for key in ("precision", "recall", "f1")]
        assert shown == rates + [str(row[key]) for key in ("tp", "fp", "fn")]
    figures = page.run("return [...document.querySelectorAll('.figure b')].map((b) => b.textContent)")
    everything = results["f1"]["2"]["all"]
    assert figures == [percent(value) for value in (
        results["mean_mAP"]["nms"], results["nms"]["2"]["mAP"], everything["f1"], everything["precision"],
        everything["recall"])]

    assert "mAP within 2" in page.run("return document.querySelector('.table thead').textContent")
    page.run("app.settings.set({ tolerance: 1 })")
    page.until("return document.querySelector('.table thead').textContent.includes('mAP within 1')")
    page.run("document.querySelector('.confusion .wrong button:not(:disabled)').click()")
    page.until("return document.querySelector('.cases a')")
    page.run("document.querySelector('.cases a').click()")
    page.until("return app.page.player?.drawn > 0")
    assert page.counted() == page.pictured() in EVENTS
    page.run("history.back()")
    page.until("return document.querySelector('.card')")


def test_a_step_shows_its_frame_and_the_address_follows(driver, serve, tmp_path):
    odd = "cup é/it's 1 + 1 = 100% & #1" if os.name == "nt" else 'cup é/<b>"1 + 1" = 100% & #1</b>'
    viewed = make_viewed(tmp_path, [odd, "cup/a_2"])
    page = Page(driver, serve(*viewed.arguments())).video("cup%2Fa_2", 17)

    def at(frame: int) -> None:
        page.until("return app.page.player.drawn === arguments[0]", frame)
        assert page.counted() == page.pictured() == frame

    at(17)
    for keys, options, frame in (
        (["ArrowRight"], {}, 18), (["ArrowRight"] * 3, {}, 21), (["ArrowLeft"], {}, 20),
        (["ArrowRight"], {"shift": True}, 30), (["ArrowLeft"], {"shift": True}, 20), (["End"], {}, 59),
        (["ArrowRight"], {}, 59), (["Home"], {}, 0), (["n"], {}, 8), (["n"], {}, 20), (["p"], {}, 8),
        (["e"], {}, 31), (["e"], {}, 40), (["e"], {"shift": True}, 31),
    ):
        page.press(*keys, **options)
        at(frame)
    page.press(" ").until("return app.page.player.frame >= 45")
    page.press(" ").until("return !app.page.player.playing && app.page.player.drawn === app.page.player.frame")
    at(page.counted())

    page.press("Home").until("return location.hash === '#video=cup%2Fa_2&frame=0&threshold=0.5'")
    page.run("document.querySelector('#bar select').value = 0")
    page.run("document.querySelector('#bar select').dispatchEvent(new Event('change'))")
    page.until("return app.page.index === 0 && app.page.player.drawn === 0")
    assert page.run("return document.querySelector('#bar select').selectedOptions[0].textContent") == odd
    assert not page.run("return document.querySelector('main b, header b')")
    page.press("ArrowRight").until("return location.hash.includes('&frame=1&')")
    shared = page.run("return location.hash")
    page.run("history.back()")
    page.until("return app.page.index === 1")
    other = Page(driver, page.address).open(shared).until("return app.page.player.drawn === 1")
    assert other.run("return app.page.video.name") == odd


def test_the_sliders_change_all_counts_at_once(driver, serve, tmp_path):
    viewed = make_viewed(tmp_path)
    page = Page(driver, serve(*viewed.arguments())).video("cup%2Fa_1")

    def slide(name: str, value: float) -> None:
        page.run("""const slider = document.querySelector(`input[type=range][aria-label="${arguments[0]}"]`);
            slider.value = arguments[1]; slider.dispatchEvent(new Event("input"))""", name, value)

    def counts() -> list[int]:
        row = page.run("return [...document.querySelectorAll('.numbers .whole td')].map((td) => td.textContent)")
        return [int(cell) for cell in row[3:]]

    slide("Threshold", 0.5)
    wait(lambda: counts() == [2, 2, 3], "right, false, missed at 0.5")
    assert page.listed() == [("PASS", 8, "found +1"), ("DRIVE", 20, "found"), ("PASS", 31, "missed"),
                             ("PASS", 40, "as DRIVE"), ("PASS", 46, "false"), ("DRIVE", 52, "missed")]
    slide("Threshold", 0.2)
    wait(lambda: counts() == [3, 2, 2], "right, false, missed at 0.2")
    slide("Tolerance", 0)
    wait(lambda: counts() == [2, 3, 3], "right, false, missed on the frame")
    typed = """const box = document.querySelector('[aria-label="NMS window, as a number"]');
        box.value = arguments[0]; box.dispatchEvent(new Event("change"));
        return [box.value, box.closest(".slider").querySelector(".name").textContent]"""
    assert page.run(typed, "0.08s") == ["0.08s", "NMS ± 2 frames"]
    page.until("return location.hash.includes('window=0.08s')")
    exact = """const box = document.querySelector('[aria-label="Threshold, as a number"]');
        box.value = arguments[0]; box.dispatchEvent(new Event("change")); return [box.value, box.validity.valid]"""
    for score in ("0.003", "0.123", "0.200"):  # what is typed is shown, and no box calls it wrong
        assert page.run(exact, score) == [score, True]
    assert page.run(typed, "nothing") == ["0.08s", "NMS ± 2 frames"]
    assert page.run(typed, "2") == ["2", "NMS ± 0.08 s"]
    slide("Threshold", 0.95)
    wait(lambda: counts() == [0, 0, 5], "right, false, missed at 0.95")
    page.run("document.querySelector('.slider input[type=checkbox]').click()")
    for setting in ("threshold=0.95", "tolerance=0", "soft=1", "window=3"):
        page.until(f"return location.hash.includes('{setting}')")
    page.press("o").until("return document.querySelector('.card')")
    figures = page.run("return [...document.querySelectorAll('tbody tr.sum td')].map((td) => td.textContent)")
    assert figures[-3:] == ["0", "0", "10"]


def test_a_label_is_added_moved_undone_saved_and_read_by_prepare_data(driver, serve, tmp_path):
    videos, labels, dataset = tmp_path / "Videos", tmp_path / "Labels", tmp_path / "data" / "new"
    for video in ("a_1", "b_1", "c_1"):
        write_video(videos / f"{video}.mp4", 40)
        write_labels(labels / f"{video}.json", [(10, "PASS"), (30, "DRIVE")], fps=25)
    prepare = ["--videos", videos, "--labels", labels, "--output", tmp_path / "Frames", "--dataset", dataset]
    run_script("prepare_data.py", *prepare)
    video = "b_1"
    first = (labels / f"{video}.json").read_bytes()

    page = Page(driver, serve("--label", dataset, "--labels", labels, "--", tmp_path / "Frames")).video(video, 20)
    page.press("2").saved()  # PASS
    page.press("ArrowRight", alt=True).press("ArrowRight", alt=True).saved()
    assert page.counted() == page.pictured() == 22
    page.press("1").saved().press("z", ctrl=True).saved()  # DRIVE on that frame, and not
    assert page.listed() == [("PASS", 10, ""), ("PASS", 22, ""), ("DRIVE", 30, "")]
    page.press("n").press("Delete").saved()
    assert page.listed() == [("PASS", 10, ""), ("PASS", 22, "")]
    page.press("z", ctrl=True).saved()
    page.press("Home").press("n").press("1", shift=True).saved()  # the first becomes a DRIVE
    wait(lambda: page.listed() == [("DRIVE", 10, ""), ("PASS", 22, ""), ("DRIVE", 30, "")], "what was done")

    assert (labels / f"{video}.json.orig").read_bytes() == first
    run_script("prepare_data.py", *prepare, "--overwrite")
    entries = [entry for split in ("train", "val", "test") for entry in read_json(dataset / f"{split}.json")]
    events = {entry["video"]: [(e["frame"], e["label"]) for e in entry["events"]] for entry in entries}
    before = [(10, "PASS"), (30, "DRIVE")]
    assert events == {"a_1": before, "b_1": [(10, "DRIVE"), (22, "PASS"), (30, "DRIVE")], "c_1": before}


def test_predictions_are_accepted_one_by_one_and_all_at_once(driver, serve, tmp_path):
    viewed = make_viewed(tmp_path)
    for split in ("val", "test"):  # as of a new match
        entries = [{**entry, "events": []} for entry in read_json(viewed.dataset / f"{split}.json")]
        write_json(viewed.dataset / f"{split}.json", entries)
    page = Page(driver, serve(*viewed.arguments())).video("cup%2Fa_1")
    path = viewed.labels / "cup" / "a_1.json"

    def written() -> list[tuple[int, str]]:
        return [(e["frame"], e["label"]) for e in read_json(path)["events"]]

    page.press("e").press("Enter").saved()
    assert written() == [(9, "PASS")]
    page.until("return app.page.scene.rows[0].kind === 'found'")
    page.press("Enter", shift=True).until("return document.querySelector('#ask[open]')")
    asked = page.run("return document.getElementById('ask').textContent")
    assert asked.startswith(f"Add 3 predictions of {viewed.model.name} (score above 0.500, near no event of the labels")
    page.run("document.querySelector('#ask .primary').click()")
    page.until("return app.page.labels.events.length === 4").saved()
    assert written() == [(9, "PASS"), (20, "DRIVE"), (40, "DRIVE"), (46, "PASS")]
    page.press("z", ctrl=True).saved()
    assert written() == [(9, "PASS")]


def test_two_pages_do_not_lose_each_others_work(driver, serve, tmp_path):
    viewed = make_viewed(tmp_path)
    address = serve(*viewed.arguments())
    one, two = (Page(driver, address).video("cup%2Fa_1", frame) for frame in (3, 15))
    path = viewed.labels / "cup" / "a_1.json"

    def on_disk() -> list[tuple[int, str]]:
        return [(e["frame"], e["label"]) for e in read_json(path)["events"]]

    before = list(EVENTS.items())
    two.run("app.page.labels.unwatch()")  # so that it does not know when it writes
    one.press("1").saved()
    two.press("2").saved()
    both = sorted([*before, (3, "DRIVE"), (15, "PASS")])
    assert on_disk() == both
    one.until("return app.page.labels.events.length === 7")  # it was told, and asked for nothing
    for page in (one, two):
        assert [(frame, label) for label, frame, _ in page.listed() if (frame, label) in both] == both
    assert "changed elsewhere" in one.run("return told.at(-1)")

    # the same event moved on both: neither version is lost
    one.run("app.page.labels.unwatch()")
    for page, by_ten in ((one, False), (two, True)):
        page.run("app.page.player.seek(8)")
        page.press("ArrowRight", alt=True, shift=by_ten).saved()
    moved = [(9, "PASS"), (18, "PASS")]
    assert on_disk() == sorted([event for event in both if event[0] != 8] + moved)
    assert "both are kept" in two.run("return told.join()")
    two.press("z", ctrl=True).saved()  # its own move alone
    assert (9, "PASS") in on_disk()
    assert (18, "PASS") not in on_disk()


def test_sizes_and_themes_leave_everything_in_sight(driver, serve, tmp_path):
    viewed = make_viewed(tmp_path)
    second = Path(shutil.copytree(viewed.model, tmp_path / "other"))
    page = Page(driver, serve(viewed.model, second, viewed.frames, "-s", "test")).video("cup%2Fa_1", 8)
    grounds = set()
    for theme in ("dark", "light"):
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": theme}]})
        page.until("return document.documentElement.dataset.theme === arguments[0]", theme)
        grounds.add(page.run("return getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2
    for size in ((1280, 720), (1920, 1080)):
        page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False})
        hidden = page.run("""const all = document.querySelectorAll("button, .counter, .screen, .lanes, .strip");
          return [...all].filter((n) => {
            if (n.closest(".room, dialog") || n.hidden || !n.offsetWidth) return false;
            const {left, right, top, bottom} = n.getBoundingClientRect();
            return left < 0 || top < 0 || right > innerWidth || bottom > innerHeight;
          }).map((n) => n.className || n.title || n.textContent)""")
        assert hidden == [], size
        assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    page.press("?").until("return document.querySelector('#help[open]')")
    assert page.run("return document.querySelectorAll('#help kbd').length") > 30
    assert CLASSES[0] in page.run("return document.getElementById('help').textContent")
    page.run("document.querySelector('#help button[value=close]').click()")
    page.until("return !document.querySelector('dialog[open]')")


def test_the_list_names_the_side_of_predictions_and_the_team_of_the_labels_where_it_is_another(driver, serve, tmp_path):
    viewed = make_viewed(tmp_path)
    path = viewed.model / "pred-test.epoch01.recall.json.gz"
    predictions = read_json(path)
    for event in predictions[0]["events"]:
        event |= {"team": "left", "team_score": 0.75}
    write_json(path, predictions)
    entries = read_json(viewed.dataset / "test.json")
    entries[0]["events"][1]["team"] = "left"
    write_json(viewed.dataset / "test.json", entries)
    page = Page(driver, serve(*viewed.arguments())).video("cup/a_1", 0)
    assert page.listed()[:3] == [("PASS", 8, "found +1, BRA → left"), ("DRIVE", 20, "found, left"),
                                 ("PASS", 31, "missed")]
    titles = page.run("return [...document.querySelectorAll('.events .line')].map((line) => line.title)")
    assert titles[0] == "team: BRA\nscore 0.9000\npredicted team: left (0.75)" and titles[2] == "team: BRA"
