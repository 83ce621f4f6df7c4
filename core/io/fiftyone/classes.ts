/** The document classes of FiftyOne that can stand in a field, with the fields that each declares. */

/** A declared field, as `name:type`; `[x]` is a list of x, a class name an embedded document. */
const LABEL = ["id:ObjectId", "tags:[String]"];
const OLD_LABEL = [...LABEL, "attributes:Attributes"];
const WITH_MASK = ["label:String", "bounding_box:[Float]", "mask:Array", "mask_path:String"];
const SCORED = ["confidence:Float"];

/** Declared fields by class; FiftyOne 1.22 has them in this order. */
const DECLARED: Readonly<Record<string, readonly string[]>> = {
  Classification: [...LABEL, "label:String", ...SCORED, "logits:Vector"],
  Classifications: ["classifications:[Classification]", "logits:Vector"],
  Detection: [...OLD_LABEL, ...WITH_MASK, ...SCORED, "index:Int"],
  Detections: ["detections:[Detection]"],
  Polyline: [
    ...OLD_LABEL,
    "label:String",
    "points:PolylinePoints",
    ...SCORED,
    "index:Int",
    "closed:Boolean",
    "filled:Boolean",
  ],
  Polylines: ["polylines:[Polyline]"],
  Keypoint: [...OLD_LABEL, "label:String", "points:Keypoints", "confidence:[Float]", "index:Int"],
  Keypoints: ["keypoints:[Keypoint]"],
  Segmentation: [...LABEL, "mask:Array", "mask_path:String"],
  Heatmap: [...LABEL, "map:Array", "map_path:String", "range:HeatmapRange"],
  Regression: [...LABEL, "value:Float", ...SCORED],
  TemporalDetection: [...LABEL, "label:String", "support:FrameSupport", ...SCORED],
  TemporalDetections: ["detections:[TemporalDetection]"],
  GeoLocation: [...LABEL, "point:GeoPoint", "line:GeoLineString", "polygon:GeoPolygon"],
  GeoLocations: [...LABEL, "points:GeoMultiPoint", "lines:GeoMultiLineString", "polygons:GeoMultiPolygon"],
  Metadata: ["size_bytes:Int", "mime_type:String"],
  ImageMetadata: ["size_bytes:Int", "mime_type:String", "width:Int", "height:Int", "num_channels:Int"],
  VideoMetadata: [
    ...["size_bytes:Int", "mime_type:String", "frame_width:Int", "frame_height:Int", "frame_rate:Float"],
    ...["total_frame_count:Int", "duration:Float", "encoding_str:String"],
  ],
  Group: ["id:ObjectId", "name:String"],
};

/** One of FiftyOne's field declarations. */
export interface FieldDocument {
  readonly name: string;
  readonly ftype: string;
  readonly embedded_doc_type: string | null;
  readonly subfield: string | null;
  readonly fields: readonly FieldDocument[];
  readonly db_field: string;
  readonly description: null;
  readonly info: null;
  readonly read_only: boolean;
}

/** True for classes that FiftyOne can load; it refuses documents of any other. */
export function isKnownClass(name: unknown): name is string {
  return typeof name === "string" && Object.hasOwn(DECLARED, name);
}

/** The Python path of a type of field, such as `IntField`. */
function fieldType(type: string): string {
  return `fiftyone.core.fields.${type}Field`;
}

/** The declaration of a field; `type` as in `DECLARED`. */
export function declareField(name: string, type: string, more: readonly FieldDocument[] = []): FieldDocument {
  const inner = /^\[(.+)\]$/.exec(type)?.[1];
  if (inner !== undefined) {
    const element = declareField(name, inner, more);
    return { ...element, ftype: fieldType("List"), subfield: element.ftype };
  }
  const plain = {
    name,
    embedded_doc_type: null,
    subfield: null,
    fields: [],
    db_field: name === "id" ? "_id" : name,
    description: null,
    info: null,
    read_only: false,
  };
  if (type === "Attributes") {
    const subfield = fieldType("EmbeddedDocument");
    return {
      ...plain,
      ftype: fieldType("Dict"),
      embedded_doc_type: "fiftyone.core.labels.Attribute",
      subfield,
    };
  }
  if (type === "HeatmapRange") return { ...plain, ftype: fieldType(type), subfield: fieldType("Float") };
  if (!isKnownClass(type) || type === "Keypoints") return { ...plain, ftype: fieldType(type) };
  return declareClass(name, type, more);
}

/** The declaration of a field that holds documents of a class; `more` are the attributes of its labels. */
export function declareClass(name: string, type: string, more: readonly FieldDocument[]): FieldDocument {
  const declared = (DECLARED[type] ?? []).map((one) => {
    const [field = "", kind = ""] = one.split(":");
    return declareField(field, kind, kind.startsWith("[") ? more : []);
  });
  const isList = declared.some(({ subfield }) => subfield === fieldType("EmbeddedDocument"));
  return {
    name,
    ftype: fieldType("EmbeddedDocument"),
    embedded_doc_type: `${moduleOf(type)}.${type}`,
    subfield: null,
    fields: isList && type !== "Detection" ? declared : [...declared, ...more],
    db_field: name,
    description: null,
    info: null,
    read_only: false,
  };
}

function moduleOf(type: string): string {
  if (type.endsWith("Metadata")) return "fiftyone.core.metadata";
  return type === "Group" ? "fiftyone.core.groups" : "fiftyone.core.labels";
}
