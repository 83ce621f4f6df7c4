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
  Neighborhoods,
  NeighborOptions,
  SearchOptions,
  Selection,
  WriteOptions,
  WriteReport,
} from "./backends/backend.ts";
export type { CollectionHandle } from "./backends/collection-handle.ts";
// Vectors and metrics.
export { distanceOf, METRICS, type Metric, scoreOf } from "./backends/metric.ts";
export { type BackendDriver, local } from "./backends/registry.ts";
// A check-up.
export type { Check, DoctorOptions, DoctorReport } from "./brain/doctor/report.ts";
export type { Config, ConfigOverrides, SettingRow, SettingSource } from "./config.ts";
// Data sets, samples, labels and views.
export type {
  AnswerFacts,
  SearchExplanation,
  SearchedWithin,
  StageExplanation,
  ViewExplanation,
} from "./dataset/answer-port.ts";
// Similarity indexes and brain runs.
export type {
  AddedReport,
  BrainRunConfig,
  BrainRunFilter,
  BrainRunInfo,
  ComputeEmbeddingsOptions,
  ComputeSimilarityOptions,
  CopyRunOptions,
  EmbeddingOptions,
  Embeddings,
  EmbeddingsInput,
  FailedEntry,
  IdSelection,
  ProgressEvent,
  SimilarityIndex,
  SortBySimilarityOptions,
  WatchHit,
  WatchOptions,
} from "./dataset/brain-port.ts";
export type {
  BatchOutcome,
  BatchRef,
  BuildQueue,
  PlanOptions,
  QueuedBuildsPort,
} from "./dataset/build-queue.ts";
export type { Dataset } from "./dataset/dataset.ts";
export type { Datasets } from "./dataset/datasets.ts";
export type {
  DistancesPlot,
  DuplicatesPlot,
  DuplicatesViewOptions,
  ExactDuplicates,
  ExactDuplicatesOptions,
  FindDuplicatesOptions,
  IndexedOptions,
  LeakySplitsIndex,
  PlacedPoints,
  RepresentativenessOptions,
  Splits,
  TypedPoints,
  UniquenessOptions,
} from "./dataset/duplicates-port.ts";
export type { EvaluateOptions, IndexEvaluation } from "./dataset/evaluation-port.ts";
export { F, not } from "./dataset/field.ts";
export type {
  DatasetFromDirOptions,
  ExportOptions,
  ExportReport,
  ImportedDataset,
  ImportOptions,
  ImportReport,
  IoFailure,
} from "./dataset/io-port.ts";
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
export type { KeyOutcome, SyncOptions, SyncReport } from "./dataset/sync-port.ts";
export type { DatasetView, Hit } from "./dataset/view.ts";
export { viewJsonSchema } from "./dataset/view-json-schema.ts";
export type {
  BrainResults,
  ComputeVisualizationOptions,
  PlotData,
  VisualizationConfig,
  VisualizationMethod,
  VisualizationResults,
  VisualizeOptions,
} from "./dataset/visualization-port.ts";
// Open an installation, or use the shared one as FiftyOne's pages do.
export {
  closeDefaultInstance,
  computeExactDuplicates,
  computeLeakySplits,
  computeNearDuplicates,
  computeRepresentativeness,
  computeSimilarity,
  computeUniqueness,
  computeVisualization,
  createDataset,
  datasetFromDir,
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
// Folders and files: pictures below a folder, NumPy's arrays.
export { type FoundImages, findImages } from "./io/find-images.ts";
export { NPY_MAGIC, type NpyArray, type NpyData, type NpyType, readNpy, writeNpy } from "./io/npy.ts";
export { type Matrix, matrix, toMatrix, type VectorData, type VectorsLike } from "./matrix.ts";
// Media: pictures to pixels and thumbnails.
export { isFollowed } from "./media/below.ts";
export { decodeImage, describeImage, type RgbImage } from "./media/image.ts";
export { IMAGE_ENDINGS } from "./media/image-names.ts";
export type { BoundingBox, CropOptions, ImageInputSpec, InputSpec, Tensor } from "./media/input-spec.ts";
export { type MediaRoots, mediaRoots } from "./media/media-roots.ts";
export type { MediaSource } from "./media/media-source.ts";
export { decodeS3Key, s3Address } from "./media/s3/address.ts";
export { pictureFormat } from "./media/signature.ts";
export { type Thumbnail, type ThumbnailOptions, thumbnail } from "./media/thumbnail.ts";
export { type WebSourceOptions, webSource } from "./media/web-source.ts";
// Embedding models.
export { type EmbeddingModel, supportsPrompts } from "./models/model.ts";
export { DEFAULT_MODEL, type ModelRow } from "./models/named-models.ts";
export type { ResolveOptions } from "./models/zoo.ts";
export type { Installation, LoadZooDatasetOptions, Nearsight, OpenOptions } from "./nearsight.ts";
export { open } from "./open.ts";
export { type PackedVectors, packVectors, unpackVectors } from "./packed-vectors.ts";
export type { S3Settings } from "./s3-settings.ts";
export type { Aggregation, QueryTerm, SimilarityQuery, Stage } from "./stages.ts";
export { VERSION } from "./version.ts";
