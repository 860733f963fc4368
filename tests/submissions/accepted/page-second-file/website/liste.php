<?php
define('LISTE', true);
include 'index.php';
$contexte = stream_context_create(array('http' => array(
    'header' => 'Authorization: Basic ' . base64_encode(getenv('USERNAME') . ':' . getenv('PASSWORD')),
    'timeout' => 3,
)));
$reponse = @file_get_contents($api, false, $contexte);
if ($reponse === false) {
    http_response_code(502);
    die('Pas de réponse de l\'API');
}
header('Content-Type: text/html; charset=utf-8');
foreach (json_decode($reponse, true)['student_ages'] as $nom => $age) {
    echo htmlspecialchars($nom), ' : ', htmlspecialchars($age), ' ans<br>';
}
echo '<a href="/">Retour</a>';
