// Builds what the npm package holds (dist/) and what the service serves; both from src/.
//
//   node build.mjs [folder of what is served]
//
// The service keeps a file for each version, since pages name one with its hash: a version that was
// released is never built again, it gets a number of its own. `built.json` says what the newest is
// of; tests/clients compares it with the sources.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const served = process.argv[2] ?? join(here, "../../service/web/client/static");
const { version } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
const hash = (algorithm, content, form) => createHash(algorithm).update(content).digest(form);

const usual = { entryPoints: [join(here, "src/index.ts")], bundle: true, minify: true, target: "es2021" };
await build({ ...usual, format: "esm", outfile: join(here, "dist/index.js") });
const file = join(served, `tillgate-${version}.js`);
const banner = { js: `/* tillgate-browser ${version}, MIT */` };
await build({ ...usual, format: "iife", globalName: "Tillgate", outfile: file, banner });

const sources = ["build.mjs", "package.json", ...readdirSync(join(here, "src")).sort().map((name) => `src/${name}`)];
const told = sources.map((name) => `${hash("sha256", readFileSync(join(here, name)), "hex")}  ${name}\n`).join("");
const integrity = `sha384-${hash("sha384", readFileSync(file), "base64")}`;
const built = { version, integrity, sources: hash("sha256", told, "hex") };
writeFileSync(join(served, "built.json"), `${JSON.stringify(built, null, 2)}\n`);
