// What the pages do beyond links and forms; each of them works without it.
"use strict";

const WAIT = 1500; // milliseconds between two looks at what is being worked out

// A part of the page that is not done yet is fetched again until it is.
async function poll(part) {
  while (part && part.dataset.poll) {
    await new Promise((done) => setTimeout(done, WAIT));
    const answer = await fetch(part.dataset.poll, { headers: { accept: "text/html" } }).catch(() => null);
    if (!answer) continue;
    if (!answer.ok || answer.redirected) return location.reload();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.body.firstElementChild;
    part.replaceWith(fresh);
    part = fresh;
  }
}
document.querySelectorAll("[data-poll]").forEach(poll);

// An export that is dropped on the form is uploaded at once.
const upload = document.getElementById("upload");
if (upload) {
  const file = upload.elements.file;
  const over = (is) => (event) => { event.preventDefault(); upload.classList.toggle("over", is); };
  upload.addEventListener("dragover", over(true));
  upload.addEventListener("dragleave", over(false));
  upload.addEventListener("drop", (event) => {
    over(false)(event);
    if (event.dataTransfer.files.length !== 1) return;
    file.files = event.dataTransfer.files;
    upload.requestSubmit();
  });
  upload.addEventListener("submit", () => {
    upload.querySelector("[data-while=waiting]").hidden = true;
    upload.querySelector("[data-while=sending]").hidden = false;
  });
}

// The digit or letter of a key; on a keyboard of another script the place of the key counts.
function keyOf(event) {
  const placed = event.code.replace(/^(Digit|Numpad|Key)/, "").toLowerCase();
  return /^[a-z0-9]$/i.test(event.key) ? event.key.toLowerCase() : placed;
}

// Review by keyboard, while the focus is in its form.
const review = document.getElementById("review");
if (review) {
  review.focus();
  review.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("select")) return;
    const key = keyOf(event);
    const topic = /^[a-z0-9]$/.test(key) && review.querySelector(`[data-key="${key}"]`);
    if (topic) {
      topic.checked = true;
      topic.focus();
    } else if (key === "s") {
      location.assign(review.dataset.skip);
    } else if (event.key === "Enter" && !event.target.matches("a, button")) {
      review.requestSubmit();
    } else {
      return;
    }
    event.preventDefault();
  });
  review.addEventListener("submit", () => { review.querySelector("button.main").disabled = true; });
}

// Judging by keyboard: a digit gives the verdict of the message in focus, at first the one that the address names.
const judging = document.getElementById("judging");
if (judging) {
  const named = location.hash && document.getElementById(location.hash.slice(1));
  if (named) named.focus();
  judging.addEventListener("keydown", (event) => {
    const pair = event.target.closest(".pair");
    if (!pair || event.ctrlKey || event.altKey || event.metaKey) return;
    const key = keyOf(event);
    const button = /^[0-9]$/.test(key) && pair.querySelector(`[data-key="${key}"]`);
    if (!button) return;
    event.preventDefault();
    button.click();
  });
}
