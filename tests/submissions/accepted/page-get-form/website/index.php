<!DOCTYPE html>
<html lang="fr">
<head><meta charset="utf-8"><title>Les étudiants</title></head>
<body>
<h1>Les étudiants</h1>
<form action="index.php" method="get">
  <input type="hidden" name="action" value="liste">
  <input type="submit" value="Afficher">
</form>
<?php
if (($_GET['action'] ?? '') === 'liste') {
    $auth = base64_encode(getenv('USERNAME') . ':' . getenv('PASSWORD'));
    $contexte = stream_context_create(['http' => [
        'method' => 'GET',
        'header' => "Authorization: Basic $auth",
        'timeout' => 2,
    ]]);
    $texte = @file_get_contents('http://api:5000/pozos/api/v1.0/get_student_ages', false, $contexte);
    if ($texte === false) {
        echo "<p>Désolé, l'API ne répond pas.</p>";
    } else {
        echo '<dl>';
        foreach (json_decode($texte)->student_ages as $nom => $age) {
            printf('<dt>%s</dt><dd>%s ans</dd>', htmlspecialchars($nom), htmlspecialchars($age));
        }
        echo '</dl>';
    }
}
?>
</body>
</html>
