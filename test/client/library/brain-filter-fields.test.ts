/** The library's own tests through `connect`. */

import "./over-http.ts";
import "../../unit/brain/filter-fields.test.ts";
