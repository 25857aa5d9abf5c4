/** The login form; it needs no script. */
export function loginPage({ next, error }: { next: string; error?: string }): string {
  return `<!doctype html>
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
</style>
<form method="post" action="/login">
  <h1>Spillway</h1>
  ${error ? `<p role="alert">${escapeHtml(error)}</p>` : ''}
  <label>Name <input name="name" autocomplete="username" required autofocus></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <input type="hidden" name="next" value="${escapeHtml(next)}">
  <button>Log in</button>
</form>
</html>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
