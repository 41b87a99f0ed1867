/** The tests of the store again, in Firefox if it is installed. */

import { test } from "node:test";
import { hasFirefox } from "./firefox.mjs";

if (hasFirefox) {
  process.env.FELSIC_TEST_BROWSER = "firefox";
  await import("./store-network.test.mjs");
  await import("./store.test.mjs");
  await import("./store-checkpoint.test.mjs");
} else {
  test("the store in Firefox", { skip: "there is no Firefox" }, () => {});
}
