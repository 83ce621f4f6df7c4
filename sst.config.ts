/** What `npx sst deploy` puts into an AWS account; each concern is a file of `deploy/`. See docs/deploy.md. */
/// <reference path="./.sst/platform/config.d.ts" />

const PRODUCTION = "production";

export default $config({
  app({ stage }) {
    return {
      name: "nearsight",
      version: ">=4.17.1 <5",
      home: "aws",
      // A bucket and a database of production outlive `sst remove`, which itself is refused there.
      removal: stage === PRODUCTION ? "retain" : "remove",
      protect: stage === PRODUCTION,
      providers: { aws: { defaultTags: { tags: { application: "nearsight", stage } } } },
    };
  },
  async run() {
    // SST takes no imports at the top of this file.
    const { deploySettings } = await import("./deploy/settings.ts");
    const { deploy } = await import("./deploy/stack.ts");
    return deploy(deploySettings(process.env, { production: $app.stage === PRODUCTION }));
  },
});
