<?php
define('ADRESSE', 'http://api:5000/pozos/api/v1.0/get_student_ages');

/* HTTP à la main : pas besoin d'extension */
function liste()
{
    $u = parse_url(ADRESSE);
    $s = @fsockopen($u['host'], $u['port'], $numero, $texte, 2);
    if (!$s) {
        return null;
    }
    stream_set_timeout($s, 3);
    fwrite($s, "GET {$u['path']} HTTP/1.0\r\nHost: {$u['host']}\r\nAuthorization: Basic "
        . base64_encode($_ENV['USERNAME'] . ':' . $_ENV['PASSWORD']) . "\r\n\r\n");
    $tout = stream_get_contents($s);
    fclose($s);
    [$entetes, $corps] = explode("\r\n\r\n", $tout, 2) + ['', ''];
    return preg_match('~^HTTP/1\.[01] 200 ~', $entetes) ? json_decode($corps, true) : null;
}

$demande = !empty($_REQUEST['lister']);
$resultat = $demande ? liste() : null;
if ($demande && $resultat === null) {
    http_response_code(500);
}
?><!doctype html>
<meta charset="utf-8">
<title>TP</title>
<form method="post" action="/">
  <label>Liste des &eacute;tudiants <button name="lister" value="oui">OK</button></label>
</form>
<?php if ($demande && $resultat === null) { ?>
<p style="color:red">Le service est indisponible.</p>
<?php } elseif ($demande) { ?>
<ol>
<?php foreach ($resultat['student_ages'] as $nom => $age) { ?>
  <li><em><?= htmlspecialchars($nom) ?></em> : <?= htmlspecialchars($age) ?></li>
<?php } ?>
</ol>
<?php } ?>
