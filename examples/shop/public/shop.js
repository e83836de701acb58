// The page: shows what /api/products lists, keeps a cart, posts it to /api/orders.
const products = new Map();
const cart = new Map();
const find = (id) => document.getElementById(id);
const euros = (cents) => `${(cents / 100).toFixed(2)} €`;

function element(name, text, properties = {}) {
  const made = Object.assign(document.createElement(name), properties);
  made.textContent = text;
  return made;
}

function showProducts() {
  find("products").replaceChildren(...[...products.values()].map((product) => {
    const item = document.createElement("li");
    const add = element("button", "Add", { type: "button" });
    add.dataset.product = product.id;
    add.disabled = (cart.get(product.id) ?? 0) >= product.stock;
    add.onclick = () => {
      cart.set(product.id, (cart.get(product.id) ?? 0) + 1);
      showProducts();
      showCart();
    };
    item.append(
      element("h3", product.name),
      element("p", euros(product.cents)),
      element("p", `${product.stock} in stock`, { className: "stock" }),
      add,
    );
    return item;
  }));
}

function showCart() {
  const lines = [...cart].map(([id, count]) => element("li", `${count} × ${products.get(id).name}`));
  find("cart").replaceChildren(...(lines.length ? lines : [element("li", "nothing yet", { className: "empty" })]));
  const sum = [...cart].reduce((cents, [id, count]) => cents + products.get(id).cents * count, 0);
  find("sum").textContent = euros(sum);
  find("place").disabled = cart.size === 0;
}

function say(text, failed) {
  find("message").textContent = text;
  find("message").className = failed ? "failed" : "";
}

async function load() {
  const response = await fetch("/api/products");
  if (!response.ok) throw new Error(`the shop is closed (${response.status})`);
  products.clear();
  for (const product of await response.json()) products.set(product.id, product);
  showProducts();
  showCart();
}

find("order").onsubmit = async (event) => {
  event.preventDefault();
  const items = [...cart].map(([product, count]) => ({ product, count }));
  const response = await fetch("/api/orders", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: find("name").value, items }),
  });
  const answer = await response.json();
  if (!response.ok) return say(answer.error, true);
  cart.clear();
  await load();
  say(`Thank you! Order ${answer.number}, ${euros(answer.cents)}`);
};

load().catch((error) => say(error.message, true));
