/**
 * The first script of the page, which runs before anything else is loaded: it allows the chosen host alone. A policy that is added
 * can only forbid more.
 */

import { connect } from "../policy.js";
import { stored } from "./choice.js";
import { hostsOfPage } from "./host.js";

const meta = document.createElement("meta");
meta.httpEquiv = "Content-Security-Policy";
meta.content = connect(hostsOfPage(location.href, stored()));
document.head.append(meta);
