/** The library's own tests through `connect`. */

import "./over-http.ts";
import "../../unit/hostile/values.test.ts";
