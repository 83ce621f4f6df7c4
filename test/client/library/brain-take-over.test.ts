/** The library's own tests through `connect`. */

import "./over-http.ts";
import "../../unit/brain/take-over.test.ts";
