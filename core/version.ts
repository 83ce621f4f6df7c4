/** The version of this package, kept with each brain run. */

/** Equal to package.json's; a test compares them. */
export const VERSION = "0.1.0";
