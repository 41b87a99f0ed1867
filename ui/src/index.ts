/** What the page and the extension look like: components, and the style in `style.css`. */

export { Button, Chip, Field, FilterChip, IconButton, Kbd, SelectField, Segmented, type Choice } from "./controls.js";
export { HitCard, Why, type HitPassageView, type HitView, type Reason } from "./hits.js";
export { Icon, type IconName } from "./icons.js";
export { Marked, snippet, type Range, type Snippet } from "./marked.js";
export { Dialog, Empty, Facts, Note, Progress } from "./surfaces.js";
