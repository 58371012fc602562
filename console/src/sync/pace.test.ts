import { expect, test } from "vitest";
import { connection, pause } from "./pace";

const visible = { visible: true, leader: false, live: false, failures: 0 };

test("a visible tab looks each 5 seconds without a socket and each minute with one", () => {
  expect(pause(visible)).toBe(5000);
  expect(pause({ ...visible, live: true })).toBe(60_000);
});

test("a hidden tab only looks if it is the leader", () => {
  expect(pause({ ...visible, visible: false })).toBeNull();
  expect(pause({ ...visible, visible: false, leader: true })).toBe(30_000);
});

test("after failures the pauses grow to half a minute", () => {
  const pauses = [1, 2, 3, 4, 5, 6, 20].map((failures) => pause({ ...visible, failures }));
  expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test("a loss is said after 3 seconds, its time after 30, and its consequence after 90", () => {
  expect(connection(0, 1_000_000)).toBe("good");
  expect([1, 5, 31, 91].map((seconds) => connection(1, seconds * 1000))).toEqual(["good", "reconnecting", "stale", "gone"]);
});
