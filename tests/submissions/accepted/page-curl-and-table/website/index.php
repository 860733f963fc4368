<?php
ob_start();  // le statut peut encore changer plus bas

function demander($url) {
    $c = curl_init($url);
    curl_setopt_array($c, array(
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_CONNECTTIMEOUT => 2,
        CURLOPT_TIMEOUT => 4,
        CURLOPT_FAILONERROR => true,
        CURLOPT_USERPWD => getenv('USERNAME') . ':' . getenv('PASSWORD'),
    ));
    $reponse = curl_exec($c);
    $erreur = curl_error($c);
    return array($reponse, $erreur);
}
?>
<html>
<head>
<meta charset="utf-8">
<title>Student ages</title>
</head>
<body>
<form action="" method="POST">
<input type="submit" name="submit" value="List Student">
</form>
<?php
if ($_SERVER['REQUEST_METHOD'] == 'POST' and isset($_POST['submit'])) {
    list($reponse, $erreur) = demander('http://api:5000/pozos/api/v1.0/get_student_ages');
    if ($reponse === false) {
        header('HTTP/1.1 502 Bad Gateway');
        echo '<b>Erreur : ' . htmlspecialchars($erreur) . '</b>';
    } else {
        $etudiants = json_decode($reponse, true);
        echo '<table border="1"><tr><th>Nom</th><th>Age</th></tr>';
        foreach ($etudiants['student_ages'] as $nom => $age) {
            echo '<tr><td>', htmlspecialchars($nom), '</td><td>', (int) $age, '</td></tr>';
        }
        echo '</table>';
    }
}
?>
</body>
</html>
