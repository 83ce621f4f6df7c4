/** The whole public API: media -> embedding -> index -> query -> view. */

// Backends, for those who write one.
export type {
  Backend,
  Batch,
  Capabilities,
  Collection,
  CollectionInfo,
  CollectionSpec,
  Columns,
  SearchOptions,
  Selection,
  WriteOptions,
  WriteReport,
} from "./backends/backend.ts";
// Vectors and metrics.
export { distanceOf, METRICS, type Metric, scoreOf } from "./backends/metric.ts";
export { type BackendDriver, local } from "./backends/registry.ts";
export type { Config, ConfigOverrides, SettingRow, SettingSource } from "./config.ts";
// Similarity indexes and brain runs.
export type {
  AddedReport,
  BrainRunConfig,
  BrainRunFilter,
  BrainRunInfo,
  ComputeEmbeddingsOptions,
  ComputeSimilarityOptions,
  Embeddings,
  EmbeddingsInput,
  FailedEntry,
  IdSelection,
  ProgressEvent,
  SimilarityIndex,
  SortBySimilarityOptions,
} from "./dataset/brain-port.ts";
// Data sets, samples, labels and views.
export type { Dataset } from "./dataset/dataset.ts";
export type { Datasets } from "./dataset/datasets.ts";
export { F, not } from "./dataset/field.ts";
export type {
  Classification,
  Detection,
  DetectionInput,
  Detections,
  Label,
  LabelInput,
} from "./dataset/labels.ts";
export { parseFilter } from "./dataset/parse-filter.ts";
export type { Patch, Sample } from "./dataset/sample.ts";
export type { SampleCollection } from "./dataset/sample-collection.ts";
export type { SampleInput } from "./dataset/sample-input.ts";
export type { SimilarityInput } from "./dataset/similarity-port.ts";
export type { DatasetView, Hit } from "./dataset/view.ts";
// Open an installation, or use the shared one as FiftyOne's pages do.
export {
  closeDefaultInstance,
  computeSimilarity,
  createDataset,
  defaultInstance,
  deleteDataset,
  listDatasets,
  loadDataset,
  loadZooDataset,
  loadZooModel,
} from "./default-instance.ts";
// Errors.
export { ERROR_CODES, type ErrorCode, isNearsightError, NearsightError } from "./errors.ts";
export type { Filter } from "./filter.ts";
export { type Matrix, matrix, toMatrix, type VectorData, type VectorsLike } from "./matrix.ts";
// Media: pictures to pixels and thumbnails.
export { decodeImage, type RgbImage } from "./media/image.ts";
export type { BoundingBox, CropOptions, ImageInputSpec, InputSpec, Tensor } from "./media/input-spec.ts";
export { type Thumbnail, type ThumbnailOptions, thumbnail } from "./media/thumbnail.ts";
// Embedding models.
export { type EmbeddingModel, supportsPrompts } from "./models/model.ts";
export { DEFAULT_MODEL, type ModelRow, type ResolveOptions } from "./models/zoo.ts";
export { type LoadZooDatasetOptions, type Nearsight, type OpenOptions, open } from "./nearsight.ts";
export type { Aggregation, QueryTerm, SimilarityQuery, Stage } from "./stages.ts";
export { VERSION } from "./version.ts";
