// Buttons that copy what stands before them. Without script they stay hidden, and nothing else on the pages needs it.
for (const button of document.querySelectorAll("button.copy")) {
  if (!navigator.clipboard) continue; // pages that came over plain http from another machine have none
  const words = button.querySelector("span");
  const before = words.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    words.textContent = button.dataset.copied;
    setTimeout(() => { words.textContent = before; }, 2000);
  });
}
