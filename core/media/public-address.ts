/** Tells addresses of the public Internet from those of a machine or a network of one's own. */

import { BlockList, isIP } from "node:net";
import { NearsightError } from "../errors.ts";
import { once } from "../once.ts";

/** Not of the Internet, by the registry of RFC 6890 and its additions. */
const SPECIAL_IPV4 = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
  ...["192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"],
  ...["198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"],
];

/** All addresses given out so far are in 2000::/3: loopback, link-local, unique local and mapped ones are not. */
const GLOBAL_IPV6 = ["2000::/3"];

/** Inside of it: protocols (Teredo too), documentation, and 6to4, which carries IPv4 addresses. */
const SPECIAL_IPV6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

const special = once(() => networkList([...SPECIAL_IPV4, ...SPECIAL_IPV6]));
const globalIpv6 = once(() => networkList(GLOBAL_IPV6));

/** True for an address that anyone on the Internet could ask, and for no other text. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 0) return false;
  if (version === 4) return !special().check(address, "ipv4");
  return globalIpv6().check(address, "ipv6") && !special().check(address, "ipv6");
}

/** Networks such as `10.1.0.0/16`, to ask whether an address lies in one; CONFIG_INVALID. */
export function networkList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix = ""] = network.split("/");
    const version = isIP(address);
    const length = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (version === 0 || !(length <= (version === 4 ? 32 : 128))) throw notANetwork(network);
    list.addSubnet(address, length, version === 4 ? "ipv4" : "ipv6");
  }
  return list;
}

function notANetwork(found: string): NearsightError {
  return new NearsightError({
    code: "CONFIG_INVALID",
    message: `Expected a network such as 10.1.0.0/16 but found '${found}'`,
    hint: "Write it as ADDRESS/LENGTH",
  });
}
