/** Imported before the tests of the library, so that they run through `connect`. */

import { useHttp } from "../../support/door.ts";

useHttp();
