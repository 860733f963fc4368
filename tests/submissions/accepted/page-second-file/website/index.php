<?php
// l'adresse de l'API, pour toutes les pages
$api = "http://api:5000/pozos/api/v1.0/get_student_ages";
if (!defined('LISTE')) {
?>
<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>Accueil</title></head><body>
<h1>Bienvenue</h1>
<form action="liste.php" method="post"><p><input type="submit" value="Voir les étudiants"></p></form>
</body></html>
<?php } ?>
