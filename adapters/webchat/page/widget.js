// For the regency's site: <script src="https://HOST/chat/widget.js" defer></script>
// puts a button into the corner that opens the chat in a frame.
(() => {
  const home = new URL(document.currentScript.src).origin;
  const style = (element, rules) => Object.assign(element.style, rules);
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Tabe', ada yang bisa dibantu?";
  button.setAttribute("aria-expanded", "false");
  style(button, { position: "fixed", right: "16px", bottom: "16px", zIndex: 99999, padding: "12px 16px", border: "0", borderRadius: "24px", background: "#7d1645", color: "#fff", font: "600 16px system-ui, sans-serif", cursor: "pointer" });
  let frame = null;
  button.addEventListener("click", () => {
    if (!frame) {
      frame = document.createElement("iframe");
      frame.src = home + "/chat";
      frame.title = "Tabe', layanan Kabupaten Soppeng";
      frame.allow = "geolocation";
      style(frame, { position: "fixed", right: "16px", bottom: "76px", zIndex: 99999, width: "min(400px, calc(100vw - 32px))", height: "min(620px, calc(100vh - 100px))", border: "1px solid #888", borderRadius: "12px", background: "#fff", display: "none" });
      document.body.append(frame);
    }
    const open = frame.style.display === "none";
    frame.style.display = open ? "block" : "none";
    button.setAttribute("aria-expanded", String(open));
  });
  document.body.append(button);
})();
