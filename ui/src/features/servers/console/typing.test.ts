import { expect, test } from "vitest";
import { strokes } from "./typing";

test("letters, digits and signs are typed as on a US keyboard", () => {
  expect(strokes("aB1!")).toEqual([
    { keysym: 0x61, shift: false },
    { keysym: 0x42, shift: true },
    { keysym: 0x31, shift: false },
    { keysym: 0x21, shift: true },
  ]);
});

test("line ends and tabs are keys, however a line ends", () => {
  expect(strokes("a\r\nb\n\t").map(({ keysym }) => keysym)).toEqual([0x61, 0xff0d, 0x62, 0xff0d, 0xff09]);
});

test("other alphabets go as Unicode, control characters not at all", () => {
  expect(strokes("é€\u0007\u001b").map(({ keysym }) => keysym)).toEqual([0xe9, 0x0100_20ac]);
});
