<?php
// The website of the practical: one button, which asks the API for the students and their ages.

// Step f: put the name of the API's service, and its port, in this address.
const API = 'http://pozos_api:5000/pozos/api/v1.0/get_student_ages';
const PATIENCE_SECONDS = 3;

/** Text made safe to stand in a page. */
function text(mixed $value): string
{
    return htmlspecialchars(is_scalar($value) ? (string) $value : json_encode($value), ENT_QUOTES | ENT_SUBSTITUTE);
}

/**
 * The students as the API gives them, name => age.
 *
 * @throws RuntimeException with a sentence for the visitor, when there is no good answer
 */
function students(): array
{
    $credentials = base64_encode(getenv('USERNAME') . ':' . getenv('PASSWORD'));
    $context = stream_context_create(['http' => [
        'header' => "Authorization: Basic $credentials\r\nAccept: application/json",
        'timeout' => PATIENCE_SECONDS,
    ]]);

    // An answer other than 200 makes this false, too; the warning then holds the status.
    $body = @file_get_contents(API, false, $context);
    if ($body === false) {
        preg_match('~ HTTP/\S+ (\d{3})~', error_get_last()['message'] ?? '', $found);
        throw new RuntimeException(match ($found[1] ?? null) {
            null => 'The API cannot be reached, or it does not answer in time.',
            '401' => 'The API refused the credentials (401): see USERNAME and PASSWORD.',
            default => "The API answered with an error ($found[1]).",
        });
    }

    $list = json_decode($body, true)['student_ages'] ?? null;
    if (!is_array($list)) {
        throw new RuntimeException('The API gave an answer that holds no list of students.');
    }
    return $list;
}

header('X-Served-By: ' . gethostname());
header('Cache-Control: no-store');

$list = null;
$error = null;
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    try {
        $list = students();
    } catch (RuntimeException $problem) {
        http_response_code(502);
        $error = $problem->getMessage();
    }
}
?>
<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Student list</title>
  <style>
    body { font: 1.05rem/1.6 system-ui, sans-serif; color: #1d2733; background: #eef2f6; margin: 0; }
    main { max-width: 32rem; margin: 4rem auto; padding: 2rem 2.5rem; background: #fff; border-radius: .75rem;
           box-shadow: 0 .25rem 1.5rem #1d273320; }
    h1 { margin: 0 0 1rem; font-size: 1.6rem; }
    button { font: inherit; padding: .5rem 1.25rem; border: 0; border-radius: .5rem; color: #fff;
             background: #17608f; cursor: pointer; }
    button:hover, button:focus-visible { background: #0d466b; }
    ul { padding-left: 1.25rem; }
    .error { padding: .75rem 1rem; border-left: .3rem solid #b3261e; background: #fdecea; color: #7a1711; }
    footer { margin-top: 2rem; font-size: .85rem; color: #566472; }
  </style>
</head>
<body>
  <main>
    <h1>Student list</h1>
    <form method="post">
      <button type="submit" name="submit" value="list">List students</button>
    </form>
<?php if ($error !== null): ?>
    <p class="error" role="alert"><?= text($error) ?></p>
<?php elseif ($list === []): ?>
    <p>The API knows no student.</p>
<?php elseif ($list !== null): ?>
    <h2>These are the students and their ages</h2>
    <ul>
<?php foreach ($list as $name => $age): ?>
      <li><?= text($name) ?> is <?= text($age) ?> years old</li>
<?php endforeach ?>
    </ul>
<?php endif ?>
    <footer>Served by <?= text(gethostname()) ?></footer>
  </main>
</body>
</html>
