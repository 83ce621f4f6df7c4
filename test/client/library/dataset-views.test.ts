/** The library's own tests through `connect`. */

import "./over-http.ts";
import "../../unit/dataset/views.test.ts";
