/** The faults of packs again, in Firefox if it is installed. */

import { test } from "node:test";
import { hasFirefox } from "./firefox.mjs";

if (hasFirefox) {
  process.env.FELSIC_TEST_BROWSER = "firefox";
  await import("./faults.test.mjs");
} else {
  test("the faults of packs in Firefox", { skip: "there is no Firefox" }, () => {});
}
