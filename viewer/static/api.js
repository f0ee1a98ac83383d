// Talking to the server.

/** What the server answers that is no success; `status` is 0 where it does not answer. */
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function answer(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("view.py does not answer: is it still running?", 0);
  }
  if (response.ok) return response;
  const refusal = await response.json().catch(() => ({}));
  throw new Refused(refusal.error || response.statusText, response.status);
}

export const getJson = async (address) => (await answer(address, { cache: "no-store" })).json();

export const getBytes = async (address) => (await answer(address, { cache: "no-store" })).arrayBuffer();

/** POST or PUT a JSON value. The header is what no page of another origin can send. */
export async function sendJson(method, address, value) {
  const headers = { "Content-Type": "application/json", "X-Viewer": "1" };
  return (await answer(address, { method, headers, body: JSON.stringify(value) })).json();
}

/** Runs an asynchronous function with the newest arguments alone: those that come while it is busy wait, and each
 * takes the place of the one before. */
export class Latest {
  constructor(run) {
    this.run = run;
    this.busy = false;
    this.waiting = null;
  }

  async call(...args) {
    this.waiting = args;
    if (this.busy) return;
    Object.assign(this, { busy: true, waiting: null });
    try {
      await this.run(...args);
    } finally {
      this.busy = false;
      if (this.waiting) this.call(...this.waiting);
    }
  }
}
