/** Which addresses count as of the Internet. */

import { expect, test } from "vitest";
import { isPublicAddress, networkList } from "../../../core/media/public-address.ts";

test.each([
  ...["0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1"],
  ...["172.31.255.255", "192.0.0.8", "192.168.1.1", "198.19.0.1", "224.0.0.1", "255.255.255.255"],
  ...["::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "fe80::1", "fd00:ec2::254"],
  ...["2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "ff02::1"],
  ...["", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "8.8.8.8 ", "[::1]"],
])("%j is not public", (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each(["8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"])(
  "%s is public",
  (address) => {
    expect(isPublicAddress(address)).toBe(true);
  },
);

test.each(["10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "::1/129", "host/8", "10.0.0.0/8x"])(
  "%j is no network",
  (network) => {
    expect(() => networkList([network])).toThrowError(expect.objectContaining({ code: "CONFIG_INVALID" }));
  },
);
