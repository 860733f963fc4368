<?php
$liste = null;
if (isset($_POST['voir'])) {
    $entete = 'Authorization: Basic ' . base64_encode(getenv('USERNAME') . ':' . getenv('PASSWORD'));
    $options = stream_context_create(['http' => ['header' => $entete, 'timeout' => 3]]);
    $reponse = @file_get_contents('http://api:5000/pozos/api/v1.0/get_student_ages', false, $options);
    $liste = $reponse ? json_decode($reponse, true)['student_ages'] : false;
    if ($liste === false) http_response_code(503);
}
?>
<html><head><meta charset="utf-8"><title>Etudiants</title></head><body>
<form method="POST"><button type="submit" name="voir" value="1">Voir la liste</button></form>
<?php if ($liste === false) echo '<p>API injoignable</p>'; ?>
<?php foreach ($liste ?: [] as $nom => $age) echo '<p>' . htmlspecialchars("$nom a $age ans") . '</p>'; ?>
</body></html>
