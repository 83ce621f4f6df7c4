/** The library's own tests through `connect`. */

import "../../client/library/over-http.ts";
import "../../unit/io/folders.test.ts";
