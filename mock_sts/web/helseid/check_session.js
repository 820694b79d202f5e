"use strict";
// OpenID Connect Session Management 1.0, section 3.2: a client's page, in whose frame this runs, posts its client id and
// the session_state of its login, and hears whether the session of this browser is still the one of that login.

const cookie = document.documentElement.dataset.cookie + "=";

function sessionId() {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(cookie));
  return found === undefined ? "" : found.slice(cookie.length);
}

// SHA-256 (FIPS 180-4) in base64url. The browser's own is there in secure contexts only, such as https.
const primes = [];
for (let number = 2; primes.length < 64; number++) {
  if (primes.every((prime) => number % prime)) primes.push(number);
}
const fraction = (root) => ((root % 1) * 2 ** 32) | 0;
const constants = primes.map((prime) => fraction(Math.cbrt(prime)));

function sha256(text) {
  const bytes = [...new TextEncoder().encode(text)];
  const bits = bytes.length * 8;
  bytes.push(0x80);
  while (bytes.length % 64 !== 56) bytes.push(0);
  for (let shift = 56; shift >= 0; shift -= 8) bytes.push(Math.floor(bits / 2 ** shift) & 255);
  const turn = (word, by) => (word >>> by) | (word << (32 - by));
  const state = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
  for (let start = 0; start < bytes.length; start += 64) {
    const words = [];
    for (let at = 0; at < 64; at++) {
      if (at < 16) {
        const [a, b, c, d] = bytes.slice(start + 4 * at, start + 4 * at + 4);
        words.push((a << 24) | (b << 16) | (c << 8) | d);
      } else {
        const early = words[at - 15], late = words[at - 2];
        const first = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3);
        const second = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10);
        words.push((words[at - 16] + first + words[at - 7] + second) | 0);
      }
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let at = 0; at < 64; at++) {
      const choice = (e & f) ^ (~e & g), majority = (a & b) ^ (a & c) ^ (b & c);
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + constants[at] + words[at]) | 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority) | 0;
      [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
    }
    [a, b, c, d, e, f, g, h].forEach((word, at) => (state[at] = (state[at] + word) | 0));
  }
  const digest = state.flatMap((word) => [24, 16, 8, 0].map((shift) => (word >>> shift) & 255));
  return btoa(String.fromCharCode(...digest)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function answer(origin, message) {
  const [, client, hash, salt] = (typeof message === "string" && /^(.+) ([^ .]+)\.([^ .]+)$/su.exec(message)) || [];
  if (client === undefined || origin === "null") return "error";
  return sha256(client + origin + sessionId() + salt) === hash ? "unchanged" : "changed";
}

addEventListener("message", (event) => {
  // A page without an origin, such as one in a sandbox, cannot be addressed by it; it hears of an error.
  event.source.postMessage(answer(event.origin, event.data), event.origin === "null" ? "*" : event.origin);
});
