/** The library's own tests through `connect`. */

import "./over-http.ts";
import "../../unit/brain/search.test.ts";
