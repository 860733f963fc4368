<?php
// Posting is answered by a redirect, so that reloading asks nobody twice.
$token = $_COOKIE['jeton'] ?? bin2hex(random_bytes(8));
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    if (!isset($_COOKIE['jeton']) || ($_POST['jeton'] ?? '') !== $token) {
        http_response_code(403);
        exit('Jeton inconnu');
    }
    header('Location: /?liste=1', true, 303);
    exit;
}
setcookie('jeton', $token, 0, '/', '', false, true);
?>
<!DOCTYPE html>
<html lang="fr">
<body>
<?php if (isset($_GET['liste'])):
    $acces = base64_encode(getenv('USERNAME') . ':' . getenv('PASSWORD'));
    $contexte = stream_context_create(['http' => ['header' => "Authorization: Basic $acces", 'timeout' => 3]]);
    $reponse = @file_get_contents('http://api:5000/pozos/api/v1.0/get_student_ages', false, $contexte);
    foreach (json_decode($reponse ?: '{}', true)['student_ages'] ?? [] as $nom => $age): ?>
  <p><?= htmlspecialchars("$nom : $age ans") ?></p>
<?php endforeach; else: ?>
  <form method="post">
    <input type="hidden" name="jeton" value="<?= $token ?>">
    <button>Liste des étudiants</button>
  </form>
<?php endif ?>
</body>
</html>
