// Writes the lists of @faker-js/faker (MIT) as one JSON file: node faker_js.mjs PACKAGE_FOLDER > lists.json
import { pathToFileURL } from "node:url";

const { allLocales } = await import(pathToFileURL(`${process.argv[2]}/dist/index.js`).href);
const wanted = ["person", "location", "commerce", "animal", "food", "music", "vehicle", "color", "word", "book", "team",
  "finance", "science"];
const out = {};
for (const [locale, lists] of Object.entries(allLocales)) {
  out[locale] = Object.fromEntries(wanted.filter((name) => lists[name]).map((name) => [name, lists[name]]));
}
console.log(JSON.stringify(out));
