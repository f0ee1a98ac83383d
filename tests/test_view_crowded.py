"""view.py's page with twelve classes of long names and twenty videos in a small window: nothing is cut off."""

from browsed import Page
from viewed import CLASSES, make_viewed, write_frames

NAMES = ["DRIVE OUT WIDE", "GOALKEEPER THROW", "SUCCESSFUL TACKLE", "BALL PLAYER BLOCK", "THROW IN", "HIGH PASS",
         "FREE KICK", "LONG PASS", "CROSS INTO BOX", "HEADER", "SHOT ON TARGET", "OUT OF PLAY"]
WINDOW = {"width": 1280, "height": 720, "deviceScaleFactor": 1, "mobile": False}
# what is written somewhere and wider or higher than its place
CUT = """return [...document.querySelectorAll(arguments[0])].filter((e) => e.clientWidth &&
    (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)).map((e) => e.textContent)"""


def test_a_small_window_shows_twelve_classes_and_twenty_videos_and_half_of_it_is_the_picture(driver, serve, tmp_path):
    videos = [f"premier_league_{i // 2:02d}_manchester_united_liverpool_{1 + i % 2}" for i in range(20)]
    viewed = make_viewed(tmp_path, videos, frames=False, classes=NAMES[: len(CLASSES)])
    for video in videos:
        write_frames(viewed.frames / video, 60 if video == videos[0] else 1)
    (viewed.dataset / "class.txt").write_text("".join(f"{name}\n" for name in NAMES))
    results = serve(*viewed.arguments())
    labelling = serve(viewed.frames, "--label", viewed.dataset, "--labels", viewed.labels)
    for address in (results, labelling):
        page = Page(driver, address).video(videos[0], 20)
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", WINDOW)
        page.until("const r = app.page.player.element.getBoundingClientRect();"
                   "return r.width >= 640 && r.height >= 360 && r.bottom < 720")
        assert page.run(CUT, ".class, .chip, .classes, .label-bar, .transport, .verdict, #bar, .numbers th") == []
        assert page.run("return [...document.querySelectorAll('.class > span')].map((e) => e.textContent)") == NAMES
    page.press("1").saved()  # what is said of a file with a long name makes the page no wider
    assert page.run("return document.documentElement.scrollWidth") == WINDOW["width"]
    low = """const {timeline: {lanes}, scene} = app.page;  // the lower edge of a mark is still its own
        return scene.events.length && scene.events.every((event) => {
          const {x, y} = lanes.placeOf({event});
          return lanes.hit(x, y + 4)?.event === event;
        })"""
    page.until(low)
    page.until("return document.querySelector('.timeline .scroll').scrollHeight <= "
               "document.querySelector('.timeline .scroll').clientHeight")  # a lane for each class
    page.open().until("return document.querySelector('.table tbody tr:nth-child(20)')")
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", WINDOW)
    page.until("return document.querySelector('.table tbody tr:nth-child(20)').getBoundingClientRect().bottom <= 720")
    assert page.run("const p = document.getElementById('page'); return p.scrollWidth <= p.clientWidth")
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_small_window_shows_all_lanes_of_two_classes_and_a_model(driver, serve, tmp_path):
    page = Page(driver, serve(*make_viewed(tmp_path).arguments())).video("cup%2Fa_1")
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", WINDOW)
    page.open("#video=cup%2Fa_1").until(
        "const s = document.querySelector('.timeline .scroll'); return s && s.scrollHeight <= s.clientHeight")
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
