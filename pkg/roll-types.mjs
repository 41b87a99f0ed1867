/** Makes dist/index.d.ts, dist/search.d.ts and dist/search-box.d.ts, the package's only declarations, from those that the compiler has written to dist/types. */
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Returns whether it succeeded. A type that the API names and its entry does not export is an error. @param {string} pkg */
export function rollTypes(pkg) {
  const succeeded = ["index", "search", "search-box"].map((entry) => roll(pkg, entry)).every(Boolean);
  writeFileSync(join(pkg, "dist/cpu.d.ts"), 'export * from "./index.js";\n');
  // A worker's script exports nothing.
  writeFileSync(join(pkg, "dist/worker.d.ts"), "export {};\n");
  return succeeded;
}

/** @param {string} pkg @param {string} entry */
function roll(pkg, entry) {
  const { target, module, moduleResolution, lib, types } = JSON.parse(
    readFileSync(join(pkg, "tsconfig.json"), "utf8"),
  ).compilerOptions;
  const error = { logLevel: ExtractorLogLevel.Error, addToApiReportFile: false };
  const none = { logLevel: ExtractorLogLevel.None };
  const configObject = {
    projectFolder: pkg,
    mainEntryPointFilePath: join(pkg, `dist/types/${entry}.d.ts`),
    compiler: {
      overrideTsconfig: {
        compilerOptions: { target, module, moduleResolution, lib, types, strict: true },
        files: [`dist/types/${entry}.d.ts`],
      },
    },
    dtsRollup: { enabled: true, untrimmedFilePath: join(pkg, `dist/${entry}.d.ts`) },
    apiReport: { enabled: false },
    docModel: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: {
      compilerMessageReporting: { default: error },
      extractorMessageReporting: { default: none, "ae-forgotten-export": error },
      tsdocMessageReporting: { default: none },
    },
  };
  const packageJsonFullPath = join(pkg, "package.json");
  const config = ExtractorConfig.prepare({ configObject, configObjectFullPath: undefined, packageJsonFullPath });
  const { succeeded } = Extractor.invoke(config, { localBuild: false, messageCallback: show });
  return succeeded;
}

/** @param {import("@microsoft/api-extractor").ExtractorMessage} message */
function show(message) {
  message.handled = true;
  if (message.logLevel === ExtractorLogLevel.Error) console.error(message.formatMessageWithLocation(undefined));
}
