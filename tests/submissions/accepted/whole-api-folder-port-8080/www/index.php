<?php ob_start(); ?>
<!DOCTYPE html>
<html lang="fr">
<head><meta charset="utf-8"><title>Promo</title></head>
<body>
<h1>La promo</h1>
<form method="POST"><button type="submit" name="submit">Afficher</button></form>
<?php
if (isset($_POST['submit'])) {
    $options = array('http' => array('timeout' => 3, 'header' => 'Authorization: Basic '
        . base64_encode(getenv('USERNAME') . ':' . getenv('PASSWORD'))));
    $url = 'http://student_api:5000/pozos/api/v1.0/get_student_ages';
    $donnees = json_decode(@file_get_contents($url, false, stream_context_create($options)), true);
    if (!$donnees) {
        http_response_code(500);
        echo '<p>Erreur : API indisponible</p>';
    } else {
        foreach ($donnees['student_ages'] as $nom => $age) {
            echo "<p>" . htmlspecialchars($nom) . " : " . htmlspecialchars($age) . " ans</p>";
        }
    }
}
?>
</body>
</html>
