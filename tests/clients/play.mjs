// Lets Shaka Player, in Chromium, play content with the ads of a tag; tells what was called.
// JSON comes in: { browser, content, tag, ads }, the last being how many ads are to be played to
// their third quartile and, if the player tells it, their end; JSON goes out: { beacons, asked,
// failed }. Shaka 5.2 does not tell the end of every last ad of a break.
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";

const GIVE_UP_AFTER_MS = 40_000;
const TO_THE_END_MS = 2_000;
const { browser: executablePath, content, tag, ads } = JSON.parse(await text(process.stdin));
const shaka = createRequire(import.meta.url).resolve("shaka-player/dist/shaka-player.compiled.js");
const args = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"];
const browser = await chromium.launch({ executablePath, args });
// As the same browser with a screen calls itself: a headless one is a crawler to us, and not paid.
const chrome = `AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${browser.version()} Safari/537.36`;
const page = await browser.newPage({ userAgent: `Mozilla/5.0 (X11; Linux x86_64) ${chrome}` });
const called = [];
const failed = [];
const played = new Promise((resolve) => {
  const nearlyOver = new Set();
  page.on("requestfinished", (request) => {
    if (request.url().includes("/t/thirdQuartile/")) nearlyOver.add(request.url());
    if (nearlyOver.size >= ads) setTimeout(resolve, TO_THE_END_MS);
  });
});
const late = new Promise((resolve) => setTimeout(resolve, GIVE_UP_AFTER_MS, "too late"));
page.on("request", (request) => called.push(request.url()));
page.on("pageerror", (error) => failed.push(String(error)));
await page.setContent('<div id="ads"><video id="video" muted></video></div>');
await page.addScriptTag({ path: shaka });
await page.evaluate(play, { content, tag }).catch((error) => failed.push(String(error)));
if (await Promise.race([played, late])) failed.push(`not ${ads} ads to their end`);
await browser.close();
const beacons = called.filter((url) => url.includes("/api/v1/t/"));
const asked = called.filter((url) => url.includes("/api/v1/vast"));
console.log(JSON.stringify({ beacons, asked, failed }));

async function play({ content, tag }) {
  const container = document.getElementById("ads");
  const video = document.getElementById("video");
  const player = new shaka.Player();
  await player.attach(video);
  player.getAdManager().setContainers(container, container);
  await player.load(content);
  await player.getAdManager().addAdUrlInterstitial(tag);
  await video.play();
}
