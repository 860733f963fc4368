<?php ob_start(); ?>
<!DOCTYPE html>
<html lang="fr">
<head><meta charset="UTF-8"><title>Étudiants</title></head>
<body>
<form method="post"><button>Liste</button></form>
<?php
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $c = stream_context_create(['http' => ['timeout' => 3, 'header' =>
        'Authorization: Basic ' . base64_encode(getenv('USERNAME') . ':' . getenv('PASSWORD'))]]);
    $r = @file_get_contents('http://api:5000/pozos/api/v1.0/get_student_ages', false, $c);
    $liste = json_decode((string) $r, true)['student_ages'] ?? null;
    if ($liste === null) {
        http_response_code(502);
        echo '<p>Impossible de joindre l’API.</p>';
    } else {
        ksort($liste);
        echo '<p>', count($liste), ' étudiants</p><ul>';
        foreach ($liste as $nom => $age) {
            echo '<li>', htmlspecialchars($nom, ENT_QUOTES), ', ', $age, ' ans</li>';
        }
        echo '</ul>';
    }
}
?>
</body>
</html>
