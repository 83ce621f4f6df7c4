/** The library's own tests through `connect`. */

import "./over-http.ts";
import "../../unit/dataset/dataset.test.ts";
