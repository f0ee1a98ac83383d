"""The keys of view.py's page in a real Chromium: going about in a video, and keys that a person changed."""

from __future__ import annotations

import pytest
from browsed import Page
from viewed import CLASSES, make_viewed


@pytest.fixture
def page(driver, serve, tmp_path):
    viewed = make_viewed(tmp_path, classes=[*CLASSES, *(f"CLASS {n}" for n in range(3, 13))])
    return Page(driver, serve(viewed.frames, "--label", viewed.dataset, "--labels", viewed.labels)).video("cup%2Fa_1")


def at(page: Page, frame: int) -> None:
    page.until("return app.page.player.drawn === arguments[0]", frame)
    assert page.counted() == page.pictured() == frame


def test_a_frame_or_a_time_is_typed(page):
    for typed, frame in (("12", 12), ("f7", 7), ("0:01.5", 37), ("0:01.480", 37), ("0:00:02", 50), ("1.6s", 40),
                         ("0:20", 59)):
        page.press("g")
        page.run("document.activeElement.value = arguments[0]; document.activeElement.blur();"
                 "app.page.transport.number.dispatchEvent(new Event('change'))", typed)
        at(page, frame)
    usual = "type a frame from 0 to 59, or a time, 0:20 or 1:02:03.5"
    end = "the video ends at frame 59 0:02.360"
    for typed, said, frame in (("5", None, 5), ("soon", usual, 5), ("-3", usual, 5), ("60", end, 59), ("5", None, 5),
                               ("0:02.400", end, 59), ("2.39s", None, 59), ("59", None, 59)):
        page.run("""told.length = 0;
            document.getElementById("toasts").replaceChildren();
            const n = app.page.transport.number; n.value = arguments[0]; n.dispatchEvent(new Event('change'))""", typed)
        at(page, frame)
        assert page.run("return told") == ([f"{typed}: {said}"] if said else [])


def test_seconds_and_videos_are_steps_too(page):
    page.press("ArrowRight", ctrl=True)
    at(page, 25)
    page.press("ArrowRight", ctrl=True, shift=True)
    at(page, 59)
    page.press("ArrowLeft", ctrl=True)
    at(page, 34)
    page.press("PageDown").until("return app.page.index === 1 && app.page.labels.revision !== null")
    page.press("PageDown")
    page.until("return app.page.index === 2")
    page.press("PageDown").until("return told.includes('this is the last video')")
    page.press("PageUp").until("return app.page.index === 1")


def test_j_plays_backwards_and_l_forwards_and_k_stops(page):
    page.press("End").press("j", "j").until("return app.page.player.frame < 40")
    page.press("k").until("return app.page.player.drawn === app.page.player.frame")
    assert not page.run("return app.page.shuttle.back")
    frame = page.counted()
    assert frame < 40
    page.run("""window.played = [];  // which may be over by the time that one asks
        const note = ({target}) => played.push(target.playing && target.speed);
        app.page.player.addEventListener("play", note)""")
    page.press("l", "l").until("return played.includes(1) && played.includes(2)")
    page.until("return app.page.player.frame > arguments[0]", frame)
    page.press("k").until("return !app.page.player.playing && app.page.player.speed === 1")
    page.press("j").until("return app.page.player.frame === 0 && !app.page.shuttle.back")


def test_pictures_that_all_come_too_late_are_shown_as_they_come(page):
    page.run("""  // a server that takes longer than a frame is on display
        window.given_up = 0;
        const take = window.fetch;
        window.fetch = (address, options) => {
          options?.signal?.addEventListener("abort", () => given_up++);
          return String(address).startsWith("/frames/")
            ? new Promise((done) => setTimeout(done, 400)).then(() => take(address, options)) : take(address, options);
        }""")
    page.press("l", "l").until("return app.page.player.frame > 0 || !app.page.player.playing")
    assert page.run("return given_up") == 0


def test_a_marked_stretch_is_played_in_a_loop(page):
    page.press("i", *["ArrowRight"] * 3).press("i", shift=True)
    assert page.run("return app.page.scene.stretch") == [0, 3]
    page.press("r")
    assert page.run("return app.page.player.speed") == 0.25
    page.run("""window.shown = [];
        app.page.player.addEventListener("frame", () => shown.push(app.page.player.frame))""")
    page.until("return shown.some((n, i) => n === 0 && shown[i - 1] === 3)")
    assert page.run("return Math.max(...shown)") <= 4
    page.press("r").until("return !app.page.player.playing && app.page.player.speed === 1")
    page.press("Escape")
    assert page.run("return app.page.scene.stretch") is None


def test_the_tenth_class_has_a_letter_and_changed_keys_are_remembered(page):
    page.press("a").saved()  # CLASS 10
    page.press("d", shift=True).saved()  # it becomes CLASS 12
    assert page.listed()[0] == ("CLASS 12", 0, "")

    def choose(usual: str, pressed: str) -> None:
        page.press("?")
        page.run("[...document.querySelectorAll('#help .key')].find((key) => key.textContent === arguments[0]).click()",
                 usual)
        page.press(pressed)
        page.run("document.getElementById('help').close()")

    page.press("?")
    page.run("document.querySelector('#help .key').click(); document.getElementById('help').close()")
    page.press("g").until("return document.activeElement === app.page.transport.number")  # nothing waits for a key
    page.run("document.activeElement.blur()")
    choose("D", "n")  # which has been the next event: the two change places
    page.press("d").until("return app.page.player.drawn === 8")
    page.press("n").saved()
    assert ("CLASS 12", 8, "") in page.listed()
    page.driver.refresh()
    page.until("return window.app?.page?.labels.revision")
    hint = """return [...document.querySelectorAll(".transport button")].map((b) => b.title)
        .find((title) => title.startsWith("next event"))"""
    assert page.run(hint) == "next event (D)"
    page.press("?")
    page.run("[...document.querySelectorAll('#help button')].find((b) => b.textContent === 'Usual keys').click()")
    assert page.run(hint) == "next event (N)"
    assert page.run("return localStorage.getItem('viewer.keys')") == "{}"
