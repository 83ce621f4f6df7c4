/** The library's own tests through `connect`. */

import "./over-http.ts";
import "../../unit/dataset/reading.test.ts";
