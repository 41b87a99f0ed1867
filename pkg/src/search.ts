/** felsic/search: documents that can be found by meaning and by words, in a web page. */

export { ERROR_CODES, FelsicError, type FelsicErrorCode, type FelsicErrorData } from "./errors.js";
export { Collection } from "./search/collection.js";
export { plainMarkdown, type PlainText } from "./search/plain.js";
export type {
  ExportOptions,
  ImportOptions,
  ImportProgress,
  ImportResult,
  TransferFormat,
  TransferSource,
} from "./search/transfer.js";
export type { Agreement } from "./search/transfer-check.js";
export type {
  AddOptions,
  AddProgress,
  AddResult,
  Cluster,
  ClustersOptions,
  CollectionInfo,
  CollectionOptions,
  CompleteOptions,
  CompleteProgress,
  Document,
  DocumentFields,
  DocumentKind,
  DocumentsOptions,
  FilterOperators,
  FilterValue,
  Hit,
  HitPart,
  HitPassage,
  Json,
  KeptOptions,
  Layout,
  LayoutOptions,
  LayoutPoint,
  LayoutProgress,
  MeaningReason,
  PassageOptions,
  PlaceOptions,
  PrepareOptions,
  PrepareProgress,
  ReindexOptions,
  SearchMode,
  SearchOptions,
  SimilarOptions,
  TextEmbedder,
  TextRange,
  Where,
  WordsReason,
} from "./search/types.js";
export type { Warning, WarningCode } from "./store/warning.js";
export type { EmbedderInfo, GpuCrossover, GpuInfo } from "./types.js";
