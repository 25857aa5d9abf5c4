export interface LoginPage {
  /** Where to go afterwards. */
  next: string;
  error?: string;
  /** What an OpenID provider is called, when there is one. */
  provider?: string;
}

const HEAD = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Spillway</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; background: #f3f6f8; color: #16242e; display: grid; place-items: center; min-height: 100vh; margin: 0 }
  form { background: #fff; padding: 2rem; border-radius: 8px; box-shadow: 0 1px 6px #0002; width: 18rem }
  h1 { font-size: 1.25rem; margin: 0 0 1rem }
  label { display: block; margin-bottom: .75rem; font-size: .875rem }
  input { display: block; width: 100%; box-sizing: border-box; font: inherit; padding: .5rem; border: 1px solid #b8c4cc; border-radius: 4px }
  button { font: inherit; width: 100%; padding: .5rem; border: 0; border-radius: 4px; background: #0b6e99; color: #fff; cursor: pointer }
  [role=alert] { color: #a3231f; font-size: .875rem }
  .provider { display: block; text-align: center; padding: .5rem; margin-bottom: 1rem; border: 1px solid #0b6e99; border-radius: 4px; color: #0b6e99; text-decoration: none }
  main { max-width: 34rem; padding: 1rem }
</style>`;

/** The login form; it needs no script. */
export function loginPage({ next, error, provider }: LoginPage): string {
  return `${HEAD}
<form method="post" action="/login">
  <h1>Spillway</h1>
  ${provider ? `<a class="provider" href="/login/oidc?next=${escapeHtml(encodeURIComponent(next))}">Log in with ${escapeHtml(provider)}</a>` : ''}
  ${error ? `<p role="alert">${escapeHtml(error)}</p>` : ''}
  <label>Name <input name="name" autocomplete="username" required autofocus></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <input type="hidden" name="next" value="${escapeHtml(next)}">
  <button>Log in</button>
</form>
</html>`;
}

/**
 * After a login at another site: a page of ours that goes on by itself. A redirect would still count as coming from the
 * other site, and the browser would not send the new cookie along.
 */
export function onwardPage(next: string): string {
  return `${HEAD}
<meta http-equiv="refresh" content="0; url=${escapeHtml(next)}">
<main><p>Logged in. <a href="${escapeHtml(next)}">Go on</a></p></main>
</html>`;
}

/** Why somebody who is logged in does not get in here. */
export function refusalPage(title: string, paragraphs: string[]): string {
  return `${HEAD}
<main>
  <h1>${escapeHtml(title)}</h1>
  ${paragraphs.map((one) => `<p>${escapeHtml(one)}</p>`).join('\n  ')}
  <form method="post" action="/logout"><button>Log out</button></form>
</main>
</html>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
