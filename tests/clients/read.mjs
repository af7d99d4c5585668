// Lets third parties' clients read our documents and says what they made of them.
//
// Each line of standard input is one question, {"client", "document", "behind"}: `behind` is the
// VAST that every wrapper leads to. Each line of standard output is the answer to the line of
// the same number, or {"error"}.

import { createInterface } from "node:readline";
import { DOMParser } from "@xmldom/xmldom";
import VMAP from "@dailymotion/vmap";
import createVast from "iab-vast-parser";

// vast-client takes itself for a browser's.
const fired = [];
globalThis.window = globalThis;
globalThis.DOMParser = DOMParser;
globalThis.Image = class {
  set src(address) {
    fired.push(address);
  }
};
const { VASTClient, VASTTracker } = await import("@dailymotion/vast-client");

const parsed = (text) => new DOMParser().parseFromString(text, "text/xml");

const firedBy = (act) => {
  fired.length = 0;
  act();
  return [...fired];
};

// What a player does that shows the ad to its end, with a pause, and opens it.
function play(ad, creative) {
  const tracker = new VASTTracker(null, ad, creative);
  tracker.trackImpression();
  for (let second = 1; second <= Math.ceil(creative.duration); second += 1) {
    tracker.setProgress(second);
  }
  tracker.setPaused(true);
  tracker.setPaused(false);
  tracker.setMuted(true);
  tracker.setMuted(false);
  tracker.click();
  tracker.complete();
}

function adOf(ad) {
  const creative = ad.creatives.find((item) => item.type === "linear");
  return {
    id: ad.id,
    sequence: ad.sequence,
    title: ad.title,
    adServingId: ad.adServingId,
    categories: ad.categories,
    expires: ad.expires,
    extensions: ad.extensions.map((item) => item.attributes.type),
    verifications: ad.adVerifications.map((item) => ({
      vendor: item.vendor,
      resource: item.resource,
      parameters: item.parameters,
    })),
    creativeId: creative.id,
    universalAdIds: creative.universalAdIds,
    duration: creative.duration,
    clickThrough: creative.videoClickThroughURLTemplate?.url ?? null,
    media: creative.mediaFiles.map((file) => ({
      url: file.fileURL,
      type: file.mimeType,
      width: file.width,
      height: file.height,
      bitrate: file.bitrate,
      codec: file.codec,
      size: file.fileSize,
      delivery: file.deliveryType,
    })),
    events: Object.keys(creative.trackingEvents),
    played: firedBy(() => play(ad, creative)),
    failed: firedBy(() => new VASTTracker(null, ad, creative).error({ ERRORCODE: "405" })),
  };
}

// `behind` is what every wrapper leads to.
function clientFor(behind) {
  const urlHandler = { get: async () => ({ xml: parsed(behind) }) };
  return (xml) => new VASTClient().parseVAST(xml, { urlHandler });
}

async function readVast(document, behind) {
  fired.length = 0;
  const answer = await clientFor(behind)(parsed(document));
  return { version: answer.version, errors: [...fired], ads: answer.ads.map(adOf) };
}

async function breakOf(item, read) {
  const { vastAdData, adTagURI } = item.adSource;
  const answer = vastAdData && (await read({ documentElement: vastAdData }));
  return {
    timeOffset: item.timeOffset,
    breakType: item.breakType,
    breakId: item.breakId,
    tag: adTagURI,
    ads: answer?.ads.map((ad) => ad.id) ?? null,
    fired: firedBy(() => {
      item.track("breakStart");
      item.track("breakEnd");
      item.track("error", 303);
    }),
  };
}

async function readVmap(document, behind) {
  const vmap = new VMAP(parsed(document));
  const read = clientFor(behind);
  const breaks = [];
  for (const item of vmap.adBreaks) {
    breaks.push(await breakOf(item, read));
  }
  return { version: vmap.version, breaks };
}

// A strict-minded client of VAST 3.0's time, which tells pods from ads to choose from.
function readIab(document) {
  const vast = createVast(document);
  const ads = [...(vast.adPod ?? vast).ads];
  return {
    isPod: vast.adPod !== null,
    ads: ads.map((ad) => ({
      id: ad.id,
      impressions: ad.impressions.map((item) => item.uri),
      tag: ad.vastAdTagURI ?? null,
      media: [...ad.creatives].flatMap((item) =>
        (item.linear.mediaFiles ?? []).map((file) => file.uri),
      ),
    })),
  };
}

const CLIENTS = { "vast-client": readVast, vmap: readVmap, "iab-vast-parser": readIab };

for await (const line of createInterface({ input: process.stdin })) {
  const { client, document, behind } = JSON.parse(line);
  let answer;
  try {
    answer = await CLIENTS[client](document, behind);
  } catch (error) {
    answer = { error: String(error?.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
