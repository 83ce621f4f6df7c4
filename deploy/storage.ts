/** The bucket of images: private, encrypted, and never emptied by a deployment. */

import type { DeploySettings } from "./settings.ts";

/** Half-sent uploads cost as much as whole ones, and nobody sees them. */
const DAYS_OF_UNFINISHED_UPLOADS = 7;

export function createBucket({ origins }: DeploySettings): sst.aws.Bucket {
  const bucket = new sst.aws.Bucket("Images", {
    cors:
      origins.length === 0
        ? false
        : { allowOrigins: [...origins], allowMethods: ["GET", "HEAD", "POST"], exposeHeaders: ["ETag"] },
    transform: {
      // SST empties a bucket that it removes. These are its owner's pictures.
      bucket: { forceDestroy: false },
    },
  });
  new aws.s3.BucketLifecycleConfiguration("ImagesLifecycle", {
    bucket: bucket.name,
    rules: [
      {
        id: "unfinished-uploads",
        status: "Enabled",
        filter: { prefix: "" },
        abortIncompleteMultipartUpload: { daysAfterInitiation: DAYS_OF_UNFINISHED_UPLOADS },
      },
    ],
  });
  return bucket;
}
