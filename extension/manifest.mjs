/** The manifests of both browsers, from one source. README.md gives the reason for each permission. */

/** @typedef {"chromium" | "firefox"} Browser */

/** What is asked for when the extension is installed. Neither browser shows a warning for any of these. */
const PERMISSIONS = {
  chromium: ["activeTab", "scripting", "storage", "offscreen", "sidePanel"],
  firefox: ["activeTab", "scripting", "storage"],
};

/** What a button asks for at the moment of use. Firefox grants context menus only at installation, so it does without. */
const OPTIONAL = { chromium: ["bookmarks", "contextMenus", "tabs"], firefox: ["bookmarks", "tabs"] };

/**
 * Scripts, workers and WebAssembly come from the package, requests go to the package, and nothing else is loaded: there is no
 * `eval`, and no script, style or request of another origin.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const ICONS = Object.fromEntries([16, 32, 48, 128].map((size) => [size, `icons/${size}.png`]));

/** Returns the manifest. @param {Browser} browser @param {string} version */
export function manifest(browser, version) {
  const common = {
    manifest_version: 3,
    name: "felsic: search by meaning",
    short_name: "felsic",
    version,
    description: "Finds what you have read, by its meaning. The model runs on your machine, and nothing leaves it.",
    icons: ICONS,
    action: { default_title: "felsic", default_icon: ICONS },
    options_ui: { page: "options.html", open_in_tab: true },
    omnibox: { keyword: "mem" },
    commands: {
      _execute_action: { suggested_key: { default: "Alt+Shift+F" } },
      "find-on-page": { description: "Find by meaning on this page", suggested_key: { default: "Alt+Shift+M" } },
      "remember-page": { description: "Remember this page", suggested_key: { default: "Alt+Shift+R" } },
    },
    permissions: PERMISSIONS[browser],
    optional_permissions: OPTIONAL[browser],
    optional_host_permissions: ["http://*/*", "https://*/*"],
    incognito: "not_allowed",
    content_security_policy: { extension_pages: POLICY },
  };
  return browser === "chromium" ? { ...common, ...chromium() } : { ...common, ...firefox() };
}

function chromium() {
  return {
    minimum_chrome_version: "116",
    background: { service_worker: "background.js", type: "module" },
    side_panel: { default_path: "panel.html" },
  };
}

function firefox() {
  return {
    background: { scripts: ["background.js"], type: "module" },
    sidebar_action: { default_title: "felsic", default_panel: "panel.html", default_icon: ICONS, open_at_install: false },
    browser_specific_settings: {
      gecko: { id: "felsic@extension.felsic", strict_min_version: "142.0", data_collection_permissions: { required: ["none"] } },
    },
  };
}
